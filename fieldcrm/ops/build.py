"""Builds what browsers get: the desk's pages by Reflex, the phone's app beside them, once per change.

The result lies in `.web/build/client`. It knows no address: Reflex bakes the backend's address in,
so a placeholder is baked and then replaced by an expression that asks the page where it came from.
One build therefore serves any port, host name and proxy, with TLS or without.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
CLIENT = PROJECT / ".web" / "build" / "client"
STAMP = PROJECT / ".web" / "fieldcrm.stamp"
ORIGIN = "origin.fieldcrm.invalid"

_SOURCES = ("assets", "fieldcrm/components", "fieldcrm/pages", "fieldcrm/phone", "fieldcrm/locales",
            "fieldcrm/visits/life.json", "fieldcrm/wire", "fieldcrm/regions/style.py",
            "fieldcrm/fieldcrm.py", "fieldcrm/ops/build.py", "rxconfig.py", "reflex.lock")  # fmt: skip
_LEFT_OUT = {"node_modules", "__pycache__", "dist", "external"}
_COMPRESSED = {".js", ".css", ".html", ".json", ".svg", ".webmanifest", ".mjs"}
_SMALL = 1024


class BuildFailed(Exception):
    """The pages could not be built; the text is what the tool said last."""


def source_hash() -> str:
    """A hash of everything the build depends on."""
    digest = hashlib.sha256(version("reflex").encode())
    for path in _source_files():
        digest.update(str(path.relative_to(PROJECT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _source_files() -> list[Path]:
    roots = [PROJECT / name for name in _SOURCES]
    files = [root for root in roots if root.is_file()]
    for root in roots:
        if root.is_dir():
            files += [p for p in root.rglob("*") if p.is_file() and not _LEFT_OUT & {*p.parts}]
    return sorted(f for f in files if f.suffix != ".pyc")


def is_built() -> bool:
    """Whether the build on disk is that of the present sources."""
    return CLIENT.is_dir() and STAMP.is_file() and STAMP.read_text() == source_hash()


def build() -> None:
    """Export the pages, make them address-free, compress them; about half a minute at first."""
    STAMP.unlink(missing_ok=True)
    _export()
    free_of_address(CLIENT)
    _compress(CLIENT)
    STAMP.write_text(source_hash())  # now, since the export may complete reflex.lock


def _export() -> None:
    bin_folder = str(Path(sys.executable).parent)
    env = os.environ | {
        "PATH": f"{bin_folder}{os.pathsep}{os.environ.get('PATH', '')}",
        "REFLEX_API_URL": f"http://{ORIGIN}",
        "REFLEX_TELEMETRY_ENABLED": "false",
        "CI": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip"]
    done = subprocess.run(command, cwd=PROJECT, env=env, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    if done.returncode or not CLIENT.is_dir():
        raise BuildFailed(done.stdout[-4000:])


def free_of_address(folder: Path) -> None:
    """Replace the placeholder origin in every script by the page's own origin."""
    replaced = sum(_free_file(path) for path in folder.rglob("*.js"))
    if not replaced:
        raise BuildFailed("the placeholder address was not found in the built scripts")


def _free_file(path: Path) -> int:
    text = path.read_text(encoding="utf-8")
    count = text.count(ORIGIN)
    for scheme in ("http", "https", "ws", "wss"):
        for quote in ('"', "'", "`"):
            start = f"{quote}{scheme}://{ORIGIN}"
            own = f"({_own_origin(scheme)})+{quote}"
            text = text.replace(start, own)
    if ORIGIN in text:
        raise BuildFailed(f"{path.name} names the placeholder address in an unknown form")
    if count:
        path.write_text(text, encoding="utf-8")
    return count


def _own_origin(scheme: str) -> str:
    """JavaScript for the page's origin with the matching scheme; harmless while prerendering."""
    swap = '.replace("http","ws")' if scheme.startswith("ws") else ""
    return f'globalThis.location?location.origin{swap}:"{scheme}://localhost"'


def _compress(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.suffix in _COMPRESSED and path.stat().st_size > _SMALL:
            packed = gzip.compress(path.read_bytes(), 9, mtime=0)
            path.with_name(path.name + ".gz").write_bytes(packed)


def describe() -> str:
    """One line of JSON about the build, for `fieldcrm build`."""
    size = sum(p.stat().st_size for p in CLIENT.rglob("*") if p.is_file())
    return json.dumps({"folder": str(CLIENT), "bytes": size, "current": is_built()})
