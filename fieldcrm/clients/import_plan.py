"""What becomes of each understood row, given who is there: create, update, unchanged, skip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from sqlmodel import Session

from fieldcrm.clients import import_rules, import_store, landing, standing, store, territories
from fieldcrm.clients.folding import fold
from fieldcrm.clients.import_rows import Row
from fieldcrm.clients.model import ImportRules, Trouble
from fieldcrm.kit.units import distance_m
from fieldcrm.people.model import Actor

PIECE = 1_000
"""Rows that are looked up and written together."""
SAME_PLACE_M = 300.0
"""Rows of one name and address that lie farther apart are two clients."""
CREATE, UPDATE, UNCHANGED, SKIP, REJECT = "create", "update", "unchanged", "skip", "reject"
SAID_BY_PLANNER = frozenset(
    {"no_territory", "repeated", "ambiguous", "known_already", "not_known", "other_name"}
    | {f"no_{facet}" for facet in standing.FACETS}
)
"""Troubles that only looking at the base tells."""
_decode_rows = msgspec.msgpack.Decoder(list[Row]).decode


@dataclass
class Step:
    """What becomes of a row."""

    row: Row
    action: str
    client: dict[str, Any] | None = None
    """Who is there, as it lies."""
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass
class Told:
    """What of a whole file can only be seen with all of it at hand."""

    repeats: dict[int, int] = field(default_factory=dict)
    """Row -> the earlier row that is the same client."""
    apart: set[str] = field(default_factory=set)
    """Keys that several rows have which lie in different places."""


# ---- rows kept beside the file, so that a large one is not held whole ----


def spool(path: Path, rows: Iterable[Row], match: str) -> Told:
    """Write understood rows down in pieces; what was seen of them as a whole."""
    seen = _Seen(match)
    with path.open("wb") as file:
        for piece in _pieces(rows):
            for row in piece:
                seen.look_at(row)
            packed = msgspec.msgpack.encode(piece)
            file.write(len(packed).to_bytes(4, "big") + packed)
    return seen.told


def _pieces(rows: Iterable[Row]) -> Iterator[list[Row]]:
    piece: list[Row] = []
    for row in rows:
        piece.append(row)
        if len(piece) == PIECE:
            yield piece
            piece = []
    if piece:
        yield piece


def unspool(path: Path) -> Iterator[list[Row]]:
    """The rows again, a piece at a time."""
    with path.open("rb") as file:
        while packed := _record(file):
            yield _decode_rows(packed)


def _record(file: BinaryIO) -> bytes:
    return file.read(int.from_bytes(file.read(4), "big"))


class _Seen:
    """Keys of the rows so far, with the place of the row that had each first."""

    def __init__(self, match: str) -> None:
        self.match = match
        self.told = Told()
        self._first: dict[str, tuple[int, float | None, float | None]] = {}
        self._others: dict[str, list[tuple[int, float | None, float | None]]] = {}

    def look_at(self, row: Row) -> None:
        key = key_of(row.fields, self.match)
        if key is None or row.blocks:
            return
        here = (row.number, row.fields.get("lat"), row.fields.get("lng"))
        first = self._first.setdefault(key, here)
        if first is here:
            return
        earlier = [first, *self._others.get(key, ())]
        same = next((e for e in earlier if not _are_apart(e, here)), None)
        if same is None and key.startswith("n:"):
            self.told.apart.add(key)
            self._others.setdefault(key, []).append(here)
        else:
            self.told.repeats[row.number] = (same or first)[0]


def _are_apart(
    a: tuple[int, float | None, float | None], b: tuple[int, float | None, float | None]
) -> bool:
    if a[1] is None or a[2] is None or b[1] is None or b[2] is None:
        return False
    return distance_m(a[1], a[2], b[1], b[2]) > SAME_PLACE_M


def key_of(fields: Mapping[str, Any], match: str) -> str | None:
    """By what a client is told: the chosen field, or name and address where a row has none of it."""
    chosen = None if match == "name_address" else fields.get(column_of(match))
    if chosen:
        return f"k:{chosen}" + (
            f"\n{fold(fields.get('name') or '')}" if match == "code_name" else ""
        )
    written = import_rules.name_address_key(fields) if fields.get("name") else ""
    return f"n:{written}" if written else None


def column_of(match: str) -> str:
    """The column that holds a key."""
    return {"phone": "phone_e164", "code_name": "external_id"}.get(match, match)


def new_keys(rows: Iterable[Mapping[str, Any]], match: str) -> dict[str, list[str]]:
    """Column -> values by which somebody who came meanwhile could be one of these new clients."""
    found: dict[str, list[str]] = {}
    for fields in rows:
        key = key_of(fields, match) or ""
        if key.startswith("k:"):
            found.setdefault(column_of(match), []).append(fields[column_of(match)])
        else:
            found.setdefault("sort_name", []).append(fold(fields["name"]))
    return found


# ---- deciding ----


class Planner:
    """Decides rows of one file, a piece at a time."""

    def __init__(self, session: Session, actor: Actor, chosen: ImportRules, told: Told) -> None:
        self.session, self.actor, self.chosen, self.told = session, actor, chosen, told
        mine = store.territories(session, actor)
        self._territories = {t.name.casefold(): t.id for t in mine}
        self._landing = territories.landing_among(mine)

    def steps(self, rows: list[Row]) -> list[Step]:
        """What becomes of each row; troubles found on the way are added to the rows."""
        for row in rows:
            self._set_territory(row)
            self._name_repeat(row)
        keys = [key_of(row.fields, self.chosen.match) for row in rows]
        known = self._known(rows, keys)
        return [self._step(r, k, known.get(k or "", [])) for r, k in zip(rows, keys, strict=True)]

    def _set_territory(self, row: Row) -> None:
        if not row.territory:
            return
        found = self._territories.get(row.territory.strip().casefold())
        if found is None:
            row.troubles.append(
                Trouble(row.number, "no_territory", "territory", row.territory[:80])
            )
        else:
            row.fields["territory_id"] = found

    def _name_repeat(self, row: Row) -> None:
        first = self.told.repeats.get(row.number)
        if first is not None:
            shown = str(row.fields.get("name") or "")[:80]
            row.troubles.append(
                Trouble(row.number, "repeated", value=shown, params={"first": first})
            )

    def _known(self, rows: list[Row], keys: list[str | None]) -> dict[str, list[dict[str, Any]]]:
        """Clients that are there already, by the same keys."""
        match = self.chosen.match
        column = column_of(match)
        codes = {
            row.fields[column]
            for row, key in zip(rows, keys, strict=True)
            if key and key.startswith("k:")
        }
        found = self._by(column, codes, match) if codes else {}
        named = {
            fold(row.fields["name"])
            for row, key in zip(rows, keys, strict=True) if key and key.startswith("n:")
        }  # fmt: skip
        return found | (self._by("sort_name", named, "name_address") if named else {})

    def _by(self, column: str, values: set[str], match: str) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for client in import_store.living_by(self.session, self.actor, column, values):
            found.setdefault(key_of(client, match) or "", []).append(client)
        return found

    def _step(self, row: Row, key: str | None, there: list[dict[str, Any]]) -> Step:
        if row.blocks:
            return Step(row, REJECT)
        client, code = self._which(row, key, there)
        if code:
            row.troubles.append(Trouble(row.number, code, params={"n": len(there)}))
            return Step(row, REJECT)
        if client is None:
            return self._new(row)
        if self.chosen.mode == "create":
            return _skipped(row, "known_already")
        return self._changed(row, client)

    def _which(
        self, row: Row, key: str | None, there: list[dict[str, Any]]
    ) -> tuple[dict[str, Any] | None, str]:
        """(the client a row is about, or None for nobody yet; why it can't be told)."""
        if key in self.told.apart:
            there = [c for c in there if _is_near(row, c)]
        elif len(there) > 1:
            there = _narrowed(row, there)
        if len(there) > 1:
            return None, "ambiguous"
        return (there[0] if there else None), ""

    def _new(self, row: Row) -> Step:
        if self.chosen.mode == "update":
            return _skipped(row, "not_known")
        if not row.fields.get("name"):
            row.troubles.append(Trouble(row.number, "no_name"))
            return Step(row, REJECT)
        made = row.fields | self._landed(row.fields)
        self._name_unbacked(row, made)
        return Step(row, CREATE, None, standing.settled(standing.NOTHING, made))

    def _landed(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The territory of a client that the file names none for."""
        found = None if fields.get("territory_id") else self._landing.of(fields)
        return {"territory_id": found} if found else {}

    def _name_unbacked(self, row: Row, fields: Mapping[str, Any]) -> None:
        """Evidence for a value that neither the row nor the card has is left out, and named."""
        for facet, proof in (row.fields.get("evidence") or {}).items():
            if proof and not fields.get(facet):
                shown, field = standing.written(proof)[:80], standing.column_of("evidence", facet)
                column = next((c for c, f in self.chosen.mapping.items() if f == field), "")
                row.troubles.append(Trouble(row.number, f"no_{facet}", column, shown, False))

    def _changed(self, row: Row, client: dict[str, Any]) -> Step:
        own = {k: v for k, v in row.fields.items() if row.says_kind or k != "kind"}
        if told := own.get("own_fields"):
            own["own_fields"] = {**client["own_fields"], **told}
        if said := own.get("consents"):  # an older file never loosens what the client said since
            words = {c: v for c, v in said.items() if v}
            gone = dict.fromkeys(said.keys() - words.keys())
            own["consents"] = gone | standing.later(client["consents"], words)
        self._name_unbacked(row, {**client, **own})
        own = standing.settled(client, own)
        changes = {k: v for k, v in own.items() if client[k] != v}
        if not client["territory_id"] and landing.LANDS_BY & changes.keys():
            changes |= self._landed({**client, **changes})
        if "name" in changes and import_rules.is_another_name(client["name"], changes["name"]):
            params = {"name": client["name"]}
            row.troubles.append(
                Trouble(row.number, "other_name", "", changes["name"][:80], False, params)
            )
        return Step(row, UPDATE if changes else UNCHANGED, client, changes)


def _skipped(row: Row, code: str) -> Step:
    """A row that the chosen way of importing passes over: named, and no fault of the row."""
    row.troubles.append(
        Trouble(row.number, code, "", str(row.fields.get("name") or "")[:80], False)
    )
    return Step(row, SKIP)


def _is_near(row: Row, client: dict[str, Any]) -> bool:
    here = (0, row.fields.get("lat"), row.fields.get("lng"))
    return (
        None not in here
        and client["lat"] is not None
        and not _are_apart(here, (0, client["lat"], client["lng"]))
    )


def _narrowed(row: Row, there: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of several clients with one key those of the row's name, of these those at its place."""
    name = fold(str(row.fields.get("name") or ""))
    named = [c for c in there if name and c["sort_name"] == name] or there
    return named if len(named) == 1 else [c for c in named if _is_near(row, c)] or named


def refuse_wholesale(renamed: int, updated: int) -> list[Trouble]:
    """A file whose keys are another list's would overwrite clients with strangers: keep it out."""
    if not import_rules.is_wholesale(renamed, updated):
        return []
    return [Trouble(0, "other_list", params={"n": renamed})]


def are_anothers(there: Mapping[str, list[str]], written: Mapping[str, str]) -> bool:
    """Whether external ids of a file (code -> name) are also those of clients of other names."""
    known = [(written[code], names) for code, names in there.items() if code in written]
    strangers = sum(
        any(import_rules.is_another_name(name, new) for name in names) for new, names in known
    )
    return import_rules.is_wholesale(strangers, len(known))
