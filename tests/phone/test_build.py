"""What the build ships: light enough, complete in three languages, known to the service worker."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import pytest

from fieldcrm.kit import i18n
from fieldcrm.phone import build
from fieldcrm.phone.build import BuildReport


def test_javascript_before_the_map_is_light(built: BuildReport) -> None:
    assert 0 < built.script_gzip <= 90 * 1024


def test_the_map_is_not_part_of_what_loads_first(built: BuildReport) -> None:
    page = (built.folder / "index.html").read_text()
    scripts = re.findall(r'(?:src|href)="/rep/([^"]+\.js)"', page)
    assert scripts
    assert not any("maplibre" in (built.folder / s).read_text() for s in scripts)
    assert built.map_gzip > built.script_gzip


def test_too_heavy_a_script_fails_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "SCRIPT_LIMIT", 1000)
    with pytest.raises(build.BuildFailed, match="bytes of JavaScript before the map"):
        build.build(tmp_path)


def test_a_missing_text_fails_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = i18n.catalogue("ro")
    cut = {k: v for k, v in real.items() if k != "phone.tab.today"}
    monkeypatch.setattr(i18n, "catalogue", lambda language: cut)
    with pytest.raises(build.BuildFailed, match=r"phone\.tab\.today"):
        build.build(tmp_path)


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_word_comes_along(built: BuildReport, language: str) -> None:
    shipped = json.loads((built.folder / "locales" / f"{language}.json").read_text())
    errors = {k for k in i18n.catalogue(language) if k.startswith("error.")}
    assert shipped.keys() >= build.used_keys() | errors


def test_the_service_worker_knows_every_file(built: BuildReport) -> None:
    worker = (built.folder / "sw.js").read_text()
    shipped = {
        f"/rep/{p.relative_to(built.folder)}" for p in built.folder.rglob("*") if p.is_file()
    }
    unknown = {path for path in shipped - {"/rep/sw.js"} if path not in worker}
    assert unknown == {path for path in shipped if path.startswith("/rep/office")}, (
        "no part of the app"
    )


def test_a_change_changes_the_service_worker(built: BuildReport, tmp_path: Path) -> None:
    again = build.build(tmp_path)
    assert (again.folder / "sw.js").read_bytes() == (built.folder / "sw.js").read_bytes()
    (again.folder / "icons" / "mask.png").write_bytes(b"other")
    made = {"lazy": [p.name for p in again.folder.glob("map-*")]}
    (again.folder / "sw.js").unlink()
    build._write_worker(again.folder, made)
    assert (again.folder / "sw.js").read_bytes() != (built.folder / "sw.js").read_bytes()


def test_the_manifest_names_icons_that_are_there(built: BuildReport) -> None:
    manifest = json.loads((built.folder / "manifest.webmanifest").read_text())
    assert manifest["start_url"].startswith(manifest["scope"])
    assert {"any", "maskable"} == {i.get("purpose", "any") for i in manifest["icons"]}
    for icon in manifest["icons"]:
        data = (built.folder / icon["src"].removeprefix("/rep/")).read_bytes()
        width, height = struct.unpack(">II", data[16:24])
        assert icon["sizes"] == f"{width}x{height}"
