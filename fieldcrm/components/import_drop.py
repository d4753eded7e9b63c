"""The drop zone of `import_drop.tsx` as a Reflex component."""

# pyright: reportCallIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components.beside import browser_file
from fieldcrm.components.own_file import SENDING
from fieldcrm.components.session import Desk
from fieldcrm.components.words import all_texts
from fieldcrm.kit.settings import settings

_library = browser_file(__file__, "import_drop.tsx")
_TEXTS = (
    "admin.import.drop", "admin.import.formats", "admin.import.choose", "admin.import.reading",
    *SENDING,
)  # fmt: skip


class _ImportDrop(rx.Component):
    library = _library
    tag = "ImportDrop"
    words: rx.Var[dict[str, dict[str, str]]]
    lang: rx.Var[str]
    limit_mb: rx.Var[int]
    on_kept: rx.EventHandler[rx.event.passthrough_event_spec(str, str)]
    on_refused: rx.EventHandler[rx.event.passthrough_event_spec(str)]


def import_drop(on_kept: Any, on_refused: Any) -> rx.Component:
    """Calls `on_kept(run_id, file_name)` once the server holds the file, `on_refused(why)` if not."""
    return _ImportDrop.create(
        words=all_texts(*_TEXTS), lang=Desk.language, limit_mb=settings().upload_limit_mb,
        on_kept=on_kept, on_refused=on_refused,
    )  # fmt: skip
