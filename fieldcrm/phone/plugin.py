"""Puts the rep's app and the clients' arrival page beside the exported pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reflex.plugins import Plugin

from fieldcrm.phone import arrival_build
from fieldcrm.phone.build import build


class PhonePlugin(Plugin):
    """After an export: `<static_dir>/rep/` holds the phone app."""

    def post_build(self, **context: Any) -> None:
        """Build the app into the export's static folder."""
        folder = Path(context["static_dir"]).resolve()
        build(folder)
        arrival_build.build(folder)
