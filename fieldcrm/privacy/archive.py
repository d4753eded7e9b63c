"""The zip of one person's data: rows as JSON lines, the track, photos and sounds, a manifest last."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from fieldcrm.clients.ownfields.tables import ClientFile
from fieldcrm.clients.tables import CardPhoto
from fieldcrm.kit import clock, file_types, files, i18n
from fieldcrm.kit.database import reading
from fieldcrm.privacy import store
from fieldcrm.tracking import chunks, person, unreadable
from fieldcrm.tracking import store as tracks
from fieldcrm.visits.tables import Attachment

Progress = Callable[[float, str], None]
"""Called with a share (0 to 1) and a catalogue key; may raise jobs.Cancelled."""
ROWS_UNTIL, TRACK_UNTIL = 0.2, 0.6
"""Shares of the work: rows, then the track, then photos."""
FLAT = (1980, 1, 1, 0, 0, 0)
_encode = msgspec.json.Encoder(enc_hook=str).encode


def write(target: Path, rep_id: str, language: str, progress: Progress) -> dict[str, int]:
    """Write a person's zip, for nobody else on this machine to read. Counts by kind.

    Where it fails nothing is left.
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as raw:
            with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as into:
                counts = _fill(_Zip(into), rep_id, language, progress)
            raw.flush()
            os.fsync(raw.fileno())
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return counts


class _Zip:
    """Entries as they are written, each with its hash for the manifest."""

    def __init__(self, into: zipfile.ZipFile) -> None:
        self._into = into
        self.entries: list[dict[str, Any]] = []

    def lines(self, name: str, rows: Iterable[object]) -> int:
        """An entry of JSON lines; returns how many there were."""
        count, digest = 0, hashlib.sha256()
        with self._into.open(zipfile.ZipInfo(name, FLAT), "w", force_zip64=True) as entry:
            for row in rows:
                line = _encode(row) + b"\n"
                digest.update(line)
                entry.write(line)
                count += 1
        self.entries.append({"name": name, "lines": count, "sha256": digest.hexdigest()})
        return count

    def text(self, name: str, content: str) -> None:
        self._into.writestr(zipfile.ZipInfo(name, FLAT), content, zipfile.ZIP_DEFLATED)

    def file(self, name: str, path: Path, sha256: str) -> None:
        """A file as it lies, not compressed again."""
        self._into.write(path, name, zipfile.ZIP_STORED)
        self.entries.append({"name": name, "bytes": path.stat().st_size, "sha256": sha256})


def _fill(into: _Zip, rep_id: str, language: str, progress: Progress) -> dict[str, int]:
    into.text("README.txt", i18n.t("privacy.readme", language))
    counts: dict[str, int] = {}
    for number, kind in enumerate(store.KINDS):
        progress(ROWS_UNTIL * number / len(store.KINDS), "privacy.step.rows")
        with reading() as session:
            counts[kind] = into.lines(f"{kind}.jsonl", store.rows_of(session, kind, rep_id))
    counts["fixes"] = into.lines("track.jsonl", _track(rep_id, progress))
    waiting = [*person.waiting_fixes(rep_id), *unreadable.fixes_of(rep_id)]
    counts["waiting"] = into.lines("waiting.jsonl", map(msgspec.structs.asdict, waiting))
    counts["files"] = _photos(into, rep_id, progress)
    about = {"made_at": clock.now().isoformat(), "entries": into.entries, "counts": counts}
    into.text("manifest.json", json.dumps(about, indent=1))
    return counts


def _track(rep_id: str, progress: Progress) -> Iterator[dict[str, Any]]:
    """Every fix, chunk by chunk: a rep's whole track is never in memory at once."""
    with reading() as session:
        starts = tracks.chunk_starts(session, rep_id)
    for number, start in enumerate(starts):
        progress(
            ROWS_UNTIL + (TRACK_UNTIL - ROWS_UNTIL) * number / len(starts), "privacy.step.track"
        )
        with reading() as session:
            row = tracks.chunk(session, rep_id, start)
        for fix in chunks.unpack(rep_id, row.data) if row else ():
            yield msgspec.structs.asdict(fix)


def _photos(into: _Zip, rep_id: str, progress: Progress) -> int:
    """Photos and sounds of his visits, each once, under their hash."""
    with reading() as session:
        found: list[Attachment | CardPhoto | ClientFile] = [
            *(Attachment(**row) for row in store.rows_of(session, "attachments", rep_id)),
            *(CardPhoto(**row) for row in store.rows_of(session, "card_photos", rep_id)),
            *(ClientFile(**row) for row in store.rows_of(session, "card_files", rep_id)),
        ]
    kept = {a.sha256: a for a in found if a.erased_at is None and files.has(a.sha256)}
    for number, (sha256, a) in enumerate(sorted(kept.items())):
        progress(TRACK_UNTIL + (1 - TRACK_UNTIL) * number / len(kept), "privacy.step.photos")
        ending = file_types.ending_of(a.content_type)
        into.file(f"files/{sha256}.{ending}", files.path_of(sha256), sha256)
    return len(kept)
