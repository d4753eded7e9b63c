"""The components' browser files stand where the page build looks for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldcrm.components import beside, charts


def test_a_file_is_linked_and_a_wrong_link_is_put_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    link = tmp_path / "assets/external/fieldcrm/components/charts/charts.tsx"
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "gone.tsx")

    told = beside.browser_file(charts.__file__, "charts.tsx")

    assert told == "$/public/external/fieldcrm/components/charts/charts.tsx"
    assert link.read_bytes() == Path(charts.__file__).with_name("charts.tsx").read_bytes()
    assert [p.name for p in link.parent.iterdir()] == ["charts.tsx"]


def test_a_file_that_is_not_there_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError):
        beside.browser_file(charts.__file__, "nothing.tsx")
