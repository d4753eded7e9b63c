"""All tables of all domains, and the way a database gets them."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import inspect
from sqlmodel import SQLModel

import fieldcrm.arrival.tables
import fieldcrm.clients.duplicates.tables
import fieldcrm.clients.ownfields.tables
import fieldcrm.clients.tables
import fieldcrm.clients.views.tables
import fieldcrm.evidence.tables
import fieldcrm.exports.tables
import fieldcrm.forms.tables
import fieldcrm.handover.tables
import fieldcrm.kit.tables
import fieldcrm.messages.tables
import fieldcrm.people.tables
import fieldcrm.planning.tables
import fieldcrm.privacy.tables
import fieldcrm.quality.tables
import fieldcrm.sync.tables
import fieldcrm.tracking.areas.tables
import fieldcrm.tracking.tables
import fieldcrm.visits.tables  # noqa: F401
from fieldcrm.kit.database import engine

metadata = SQLModel.metadata


def config() -> Config:
    """Alembic's configuration, made here so that no ini file is needed."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    return made


def upgrade() -> None:
    """Bring the database to the newest schema; safe to run again."""
    command.upgrade(config(), "head")


def is_current() -> bool:
    """Whether the database has been set up at all."""
    return inspect(engine()).has_table("fact")
