"""What a caller is told when something behind the product is not to be had."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from sqlalchemy.pool import QueuePool

from fieldcrm.api import problems


def test_a_database_without_a_free_connection_is_to_be_asked_again() -> None:
    app = FastAPI()
    problems.install(app)
    engine = create_engine("sqlite://", poolclass=QueuePool, pool_size=1, max_overflow=0,
                           pool_timeout=0.01)  # fmt: skip

    @app.get("/asks")
    def asks() -> None:
        with engine.connect():
            engine.connect()

    answer = TestClient(app, raise_server_exceptions=False).get("/asks")
    assert answer.status_code == 503
    assert answer.json()["code"] == "unavailable"
