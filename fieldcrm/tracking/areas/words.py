"""What is wrong with an area, or with a file of them, in the reader's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldcrm.kit import i18n


def why(params: Mapping[str, Any], language: str) -> str:
    """The reason of a BadArea or BadAreaFile, with the number of the feature where it has one."""
    told = i18n.t(f"area.bad.{params.get('reason')}", language)
    if not params.get("n"):
        return told
    return i18n.t("area.bad.in_file", language, n=params["n"], why=told)
