"""Builds the page behind arrival links: one for each language, with its words in it."""

from __future__ import annotations

import gzip
import json
import shutil
from html import escape
from pathlib import Path

from fieldcrm.kit import i18n
from fieldcrm.phone.build import SOURCE, BuildFailed, bun

PAGE_LIMIT = 12 * 1024
"""Bytes of JavaScript, gzipped, before the map: a client opens it once, with whatever network."""
_OWN = ("arrival.",)
_DESK = ("arrival.link.",)


def build(target: Path) -> int:
    """Write the page to `<target>/arrival`; the gzipped bytes of its script. Raises BuildFailed."""
    folder = target / "arrival"
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    made = json.loads(bun("arrival_build.ts", str(folder)).splitlines()[-1])
    for language in i18n.LANGUAGES:
        page = render(language, made["js"], made["css"])
        (folder / f"page-{language}.html").write_text(page, encoding="utf-8")
    size = len(gzip.compress((folder / made["js"]).read_bytes(), 9))
    if size > PAGE_LIMIT:
        raise BuildFailed(f"the arrival page's script has {size} bytes, {PAGE_LIMIT} allowed")
    return size


def words(language: str) -> dict[str, i18n.Text]:
    """What the page can say."""
    whole = i18n.catalogue(language)
    return {k: v for k, v in whole.items() if k.startswith(_OWN) and not k.startswith(_DESK)}


def render(language: str, script: str, style: str) -> str:
    """The page in one language; the server only says whether its link still lives."""
    page = (SOURCE / "src" / "arrival" / "arrival.html").read_text(encoding="utf-8")
    known = words(language)
    spoken = json.dumps(known, ensure_ascii=False).replace("<", "\\u003c")
    gaps = {"{lang}": language, "{js}": f"/arrival/{script}", "{css}": f"/arrival/{style}",
            "{words}": spoken}  # fmt: skip
    for key in ("title", "loading", "over_title", "over_why", "over_what", "map"):
        gaps[f"{{{key}}}"] = escape(str(known[f"arrival.{key}"]))
    for gap, text in gaps.items():
        page = page.replace(gap, text)
    return page
