"""Corrections that reps ask for, and the office's word on them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from fieldcrm.api.identity import DeskPerson
from fieldcrm.sync import corrections

router = APIRouter(prefix="/api/v1", tags=["clients"])


class CorrectionOut(BaseModel):
    """What a rep asks to change of a card: what it said then, what it says now, what it should say."""

    id: str
    client_id: str
    client_name: str
    rep_id: str
    rep_name: str
    at: datetime
    wanted: dict[str, Any]
    before: dict[str, Any]
    now: dict[str, Any]
    comment: str | None


class Decision(BaseModel):
    """`overwrite`: also what somebody changed since the rep looked."""

    accept: bool
    overwrite: bool = False


class Decided(BaseModel):
    client_id: str
    version: int


@router.get(
    "/corrections",
    summary="Corrections that wait for the office",
    response_model=list[CorrectionOut],
)
def list_corrections(actor: DeskPerson) -> list[dict[str, Any]]:
    """Of clients in the caller's scope, the oldest first."""
    return [vars(each) for each in corrections.open_corrections(actor)]


@router.post(
    "/corrections/{correction_id}", summary="Accept or decline a correction", response_model=Decided
)
def decide(correction_id: str, body: Decision, actor: DeskPerson) -> dict[str, Any]:
    """409 `correction_overtaken` names fields that changed meanwhile; send `overwrite` to go on."""
    client = corrections.decide(actor, correction_id, body.accept, body.overwrite)
    return {"client_id": client.id, "version": client.version}
