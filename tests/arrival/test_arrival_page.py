"""The page behind a link: in the reader's language, 410 once the link is over, nothing else allowed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.requests import Request

from fieldcrm.arrival import service
from fieldcrm.kit import clock
from fieldcrm.ops import arrival_page
from fieldcrm.phone import arrival_build
from tests.field import NOW, Field, lay_out


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages as the build renders them, without the bundles."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "arrival").mkdir()
    for language in ("en", "ru", "ro"):
        page = arrival_build.render(language, "arrival-x.js", "arrival-x.css")
        (folder / "arrival" / f"page-{language}.html").write_text(page, encoding="utf-8")
    return folder


@pytest.fixture
def field(app_db: None) -> Iterator[Field]:
    with clock.held(NOW):
        yield lay_out()


def asked(built: Path, path: str, language: str = "en"):
    headers = [(b"accept-language", language.encode())]
    scope = {"type": "http", "method": "GET", "path": path, "headers": headers, "query_string": b""}
    return arrival_page.answer(Request(scope), built)


def test_a_living_link_has_a_page_and_a_taken_back_one_says_goodbye(
    field: Field, built: Path
) -> None:
    made = service.make(field.dispatcher, field.visits[0])
    answer = asked(built, f"/arrival/{made.token}")
    assert answer.status_code == 200
    assert b'data-state="live"' in answer.body
    service.revoke(field.dispatcher, made.link.id)
    over = asked(built, f"/arrival/{made.token}")
    assert over.status_code == 410
    assert b'data-state="over"' in over.body
    assert b'data-state="live"' not in over.body


@pytest.mark.parametrize(
    ("language", "said"),
    [("en-GB,en", "This link is over"), ("ru", "Ссылка больше не действует"),
     ("ro-MD,ro;q=0.9", "Linkul nu mai este activ"), ("de", "This link is over")],
)  # fmt: skip
def test_the_goodbye_speaks_the_readers_language(field: Field, built: Path, language, said) -> None:
    answer = asked(built, "/arrival/" + "x" * 43, language)
    assert answer.status_code == 410
    assert said in bytes(answer.body).decode()


@pytest.mark.parametrize(
    "path", ["/arrival/", "/arrival/short", "/arrival/../x", "/arrival/page-en.html"]
)
def test_whatever_else_is_asked_for_is_over(field: Field, built: Path, path: str) -> None:
    assert asked(built, path).status_code == 410


def test_the_page_tells_nobody_where_it_was_and_runs_nothing_of_others(
    field: Field, built: Path
) -> None:
    made = service.make(field.dispatcher, field.visits[0])
    headers = asked(built, f"/arrival/{made.token}").headers
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["x-robots-tag"] == "noindex, nofollow"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy


def test_no_gap_of_the_page_stays_open_and_no_word_can_end_it() -> None:
    page = arrival_build.render("ro", "a.js", "a.css")
    assert "{" not in page.split('id="words">')[0]
    inside = page.split('id="words">')[1].split("</script>")[0]
    assert "<" not in inside
