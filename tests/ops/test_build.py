"""The built pages know no address of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldcrm.ops import build


def test_placeholder_becomes_the_pages_own_origin(tmp_path: Path) -> None:
    script = tmp_path / "a.js"
    script.write_text(
        f'const e={{EVENT:"ws://{build.ORIGIN}/_event",PING:`http://{build.ORIGIN}/ping`}}'
    )
    build.free_of_address(tmp_path)
    text = script.read_text()
    assert build.ORIGIN not in text
    assert (
        '(globalThis.location?location.origin.replace("http","ws"):"ws://localhost")+"/_event"'
        in text
    )
    assert '(globalThis.location?location.origin:"http://localhost")+`/ping`' in text


def test_a_build_without_placeholder_fails(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("const x = 1")
    with pytest.raises(build.BuildFailed):
        build.free_of_address(tmp_path)


def test_an_unknown_form_of_the_placeholder_fails(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text(f'const h="{build.ORIGIN}"')
    with pytest.raises(build.BuildFailed):
        build.free_of_address(tmp_path)
