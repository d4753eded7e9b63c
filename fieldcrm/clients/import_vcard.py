"""vCards (2.1, 3.0, 4.0) as rows of texts: one for each card, our own field names as titles; pure."""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator

from fieldcrm.clients.model import Trouble, UnreadableTable

TITLES = ("external_id", "name", "kind", "specialty", "phone", "email", "website", "address", "city",
          "postcode", "country", "lat", "lng", "opening_hours", "tags", "note")  # fmt: skip
_TEXTS = {"UID": "external_id", "TITLE": "specialty", "ROLE": "specialty", "EMAIL": "email", "URL": "website",
          "NOTE": "note"}  # fmt: skip
_KINDS = {"org": "organisation", "organization": "organisation"}
_LINE = re.compile(r"(?:[\w-]+\.)?([A-Za-z][\w-]*)((?:;[^:]*)?):(.*)", re.DOTALL)
_ESCAPED = re.compile(r"\\([\\,;nN])")
_BETWEEN = re.compile(r"(?<!\\);")


def is_vcard(file_name: str, text: str) -> bool:
    """Whether a text holds vCards."""
    return file_name.lower().endswith((".vcf", ".vcard")) or (
        text.lstrip()[:12].upper() == "BEGIN:VCARD"
    )


def read(text: str) -> tuple[list[str], list[tuple[int, list[str]]], list[Trouble]]:
    """(titles, rows numbered by card, cards that never end); raises UnreadableTable."""
    rows: list[tuple[int, list[str]]] = []
    bad: list[Trouble] = []
    for number, (lines, is_whole) in enumerate(_cards(text), 1):
        card = _card(lines) if is_whole else {}
        if any(card.values()):
            rows.append((number, ["; ".join(card.get(t, [])) for t in TITLES]))
        else:
            bad.append(Trouble(number, "no_card", value=next(iter(lines), "")[:80]))
    if not rows and not bad:
        raise UnreadableTable(why="no_cards")
    return list(TITLES), rows, bad


def _cards(text: str) -> Iterator[tuple[list[str], bool]]:
    """Each card's lines, and whether it ends."""
    lines: list[str] | None = None
    for line in _unfolded(text):
        word = line.strip().upper()
        if word == "BEGIN:VCARD":
            if lines is not None:
                yield lines, False
            lines = []
        elif word == "END:VCARD":
            if lines is not None:
                yield lines, True
            lines = None
        elif lines is not None and line.strip():
            lines.append(line)
    if lines is not None:
        yield lines, False


def _unfolded(text: str) -> Iterator[str]:
    """Logical lines: one that begins with a space goes on from the last, as does a 2.1 line whose
    quoted-printable text ends with `=`."""
    held = ""
    for line in text.splitlines():
        if held and line[:1] in (" ", "\t"):
            held += line[1:]
        elif held.endswith("=") and "QUOTED-PRINTABLE" in held.partition(":")[0].upper():
            held = held[:-1] + line
        else:
            if held:
                yield held
            held = line
    if held:
        yield held


def _card(lines: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in lines:
        matched = _LINE.fullmatch(line)
        if matched:
            name, params, value = matched[1].upper(), matched[2].upper(), matched[3]
            _take(found, name, _decoded(params, value))
    return _named(found)


def _decoded(params: str, value: str) -> str:
    """A value without the transport of vCard 2.1."""
    if "QUOTED-PRINTABLE" not in params:
        return value
    charset = re.search(r"CHARSET=([\w-]+)", params)
    raw = quopri.decodestring(value.encode("utf-8", "replace"))
    try:
        return raw.decode(charset[1] if charset else "utf-8", "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")


def _take(found: dict[str, list[str]], name: str, value: str) -> None:
    """Add what one line says."""

    def add(field: str, text: str) -> None:
        text = _plain(text).strip()
        if text and text not in found.setdefault(field, []):
            found[field].append(text)

    if name in _TEXTS:
        add(_TEXTS[name], value.removeprefix("urn:uuid:"))
    elif name == "FN":
        add("name", value)
    elif name == "N":
        last, first, middle = (*_BETWEEN.split(value), "", "", "")[:3]
        add("own_name", " ".join(p for p in (last, first, middle) if p))
    elif name == "ORG":
        add("organisation", " ".join(p for p in _BETWEEN.split(value) if p))
    elif name == "TEL":
        add("phone", re.sub(r"^tel:", "", value, flags=re.IGNORECASE).partition(";")[0])
    elif name == "CATEGORIES":
        add("tags", value)
    elif name == "KIND":
        add("kind", _KINDS.get(value.strip().lower(), ""))
    elif name == "GEO":
        _take_place(found, value)
    elif name == "ADR":
        _take_address(found, value)


def _take_place(found: dict[str, list[str]], value: str) -> None:
    """`60.17;24.94` (3.0) or `geo:60.17,24.94` (4.0): latitude first."""
    parts = re.split(r"[;,]", re.sub(r"^geo:", "", value.strip(), flags=re.IGNORECASE))
    if len(parts) >= 2 and "lat" not in found:
        found["lat"], found["lng"] = [parts[0].strip()], [parts[1].strip()]


def _take_address(found: dict[str, list[str]], value: str) -> None:
    """The first address counts: box, extended, street, city, region, postcode, country."""
    if "address" in found or "city" in found:
        return
    parts = [_plain(p).strip() for p in _BETWEEN.split(value)]
    box, more, street, city, region, postcode, country = (*parts, *[""] * 7)[:7]
    address = ", ".join(dict.fromkeys(p for p in (street, more, box, region) if p))
    named = {"address": address, "city": city, "postcode": postcode, "country": country}
    found.update({field: [text] for field, text in named.items() if text})


def _named(found: dict[str, list[str]]) -> dict[str, list[str]]:
    """A card is called by its full name, else by the name's parts, else by the organisation."""
    own, organisation = found.pop("own_name", []), found.pop("organisation", [])
    found.setdefault("name", own or organisation)
    if organisation and found["name"] != organisation:
        found["tags"] = [*found.get("tags", []), *(o.replace(",", " ") for o in organisation)]
    elif organisation:
        found.setdefault("kind", ["organisation"])
    return found


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda m: "\n" if m[1] in "nN" else m[1], text)
