"""The components' own browser files, which lie beside their Python modules, shown to the page build."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

_ROOT = Path(__file__).parents[2]


def browser_file(module_file: str, *names: str) -> str:
    """Link files that lie beside a module (its `__file__`) where the build finds them; the first one's import.

    As `rx.asset(name, shared=True).importable_path`, which finds its caller by reading the source
    of every frame below it: that took half of the time in which the web process starts.
    """
    folder = Path(module_file).parent
    public = Path("external") / folder.relative_to(_ROOT) / Path(module_file).stem
    linked = Path.cwd() / "assets" / public
    linked.mkdir(parents=True, exist_ok=True)
    for name in names:
        _link(linked / name, (folder / name).resolve(strict=True))
    return f"$/public/{(public / names[0]).as_posix()}"


def _link(link: Path, source: Path) -> None:
    """A link to the source, replaced in one piece: several processes may start at once."""
    if link.is_symlink() and os.path.realpath(link) == str(source):
        return
    staged = link.with_name(f".{uuid4().hex}")
    staged.symlink_to(source)
    staged.replace(link)
