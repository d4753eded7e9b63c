"""A rep's day as GPX 1.1, GeoJSON and KML for other programs; and GPX read, whatever it is. Pure.

Out: a line per stretch, none across a gap, a pause or the end of a shift; a point per stop. In: the
points of a file's tracks, and what is wrong with it in words of this module (`Trouble.code`); a file
is never trusted: no document type, so no entities; bounded bytes, points and depth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape

import msgspec

from fieldcrm.tracking.model import Doubt, Fix, Stop

LARGEST = 16_000_000
"""Bytes of a file."""
MOST_POINTS = 200_000
DEEPEST = 40
LONGEST_TEXT = 100
"""Characters of a time or a measure."""
_UNFIT = Doubt.teleport


@dataclass(frozen=True)
class Journey:
    """What goes out: whose day it is, its lines of fixes, its stops."""

    name: str
    lines: list[list[Fix]]
    stops: list[Stop]


def lines_of(fixes: Sequence[Fix], breaks: Iterable[int]) -> list[list[Fix]]:
    """Fixes as lines that end at each break (the index of what comes after it)."""
    cuts = [0, *breaks, len(fixes)]
    lines = [[f for f in fixes[a:b] if not f.doubts & _UNFIT] for a, b in pairwise(cuts)]
    return [line for line in lines if line]


# Out


def gpx(journey: Journey) -> str:
    """GPX 1.1: a track of one segment per line, a waypoint per stop."""
    stops = "".join(
        f'<wpt lat="{s.lat:.7f}" lon="{s.lng:.7f}"><time>{_iso(s.from_ms)}</time>'
        f"<desc>{_iso(s.from_ms)} / {_iso(s.to_ms)}</desc><type>stop</type></wpt>\n"
        for s in journey.stops
    )
    lines = "".join(f"<trkseg>\n{''.join(map(_trkpt, line))}</trkseg>\n" for line in journey.lines)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<gpx version="1.1" creator="fieldcrm" xmlns="http://www.topografix.com/GPX/1/1">\n'
        f"<metadata><name>{_text(journey.name)}</name></metadata>\n{stops}"
        f"<trk><name>{_text(journey.name)}</name>\n{lines}</trk>\n</gpx>\n"
    )


def _trkpt(fix: Fix) -> str:
    return f'<trkpt lat="{fix.lat:.7f}" lon="{fix.lng:.7f}"><time>{_iso(fix.fix_at_ms)}</time></trkpt>\n'


def geojson(journey: Journey) -> bytes:
    """GeoJSON: a LineString per line with its times beside it, a Point per stop."""
    lines = [
        _feature("LineString", [[f.lng, f.lat] for f in line], kind="line",
                 times=[_iso(f.fix_at_ms) for f in line])
        for line in journey.lines if len(line) > 1
    ]  # fmt: skip
    stops = [
        _feature("Point", [s.lng, s.lat], kind="stop", begins=_iso(s.from_ms), ends=_iso(s.to_ms))
        for s in journey.stops
    ]
    whole = {"type": "FeatureCollection", "name": journey.name, "features": lines + stops}
    return msgspec.json.encode(whole)


def _feature(form: str, coordinates: list[Any], **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature", "properties": properties,
        "geometry": {"type": form, "coordinates": coordinates},
    }  # fmt: skip


def kml(journey: Journey) -> str:
    """KML 2.2: a gx:Track per line, so that Google Earth plays it, a Placemark per stop."""
    lines = "".join(map(_kml_line, (line for line in journey.lines if len(line) > 1)))
    stops = "".join(
        f"<Placemark><TimeSpan><begin>{_iso(s.from_ms)}</begin><end>{_iso(s.to_ms)}</end></TimeSpan>"
        f"<Point><coordinates>{s.lng:.7f},{s.lat:.7f}</coordinates></Point></Placemark>\n"
        for s in journey.stops
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2">\n'
        f"<Document><name>{_text(journey.name)}</name>\n{lines}{stops}</Document>\n</kml>\n"
    )


def _kml_line(line: Sequence[Fix]) -> str:
    whens = "".join(f"<when>{_iso(f.fix_at_ms)}</when>\n" for f in line)
    places = "".join(f"<gx:coord>{f.lng:.7f} {f.lat:.7f} 0</gx:coord>\n" for f in line)
    return f"<Placemark><gx:Track>\n{whens}{places}</gx:Track></Placemark>\n"


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _text(name: str) -> str:
    """A name as XML may hold it: control characters are left out."""
    return escape("".join(c for c in name if c >= " " and c not in "\ufffe\uffff"))


FORMS: dict[str, tuple[Callable[[Journey], str | bytes], str]] = {
    "gpx": (gpx, "application/gpx+xml"),
    "geojson": (geojson, "application/geo+json"),
    "kml": (kml, "application/vnd.google-earth.kml+xml"),
}
"""How each form is written, and its media type."""


# In


@dataclass(frozen=True)
class GpxPoint:
    """A point of a track; None is what the file doesn't say."""

    lat: float
    lng: float
    at_ms: int | None = None
    speed_mps: float | None = None
    course_deg: float | None = None


@dataclass
class Trouble:
    """Something wrong with a file: where it was first met, and how often."""

    code: str
    """too_large, not_xml, doctype, too_deep, not_gpx, no_points, bad_place, no_time, bad_time,
    too_many: words `gpx.<code>`."""
    line: int
    count: int = 1


@dataclass
class GpxFile:
    """What could be read of a file; segments in its order, without empty ones."""

    segments: list[list[GpxPoint]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def points(self) -> int:
        return sum(map(len, self.segments))

    def complain(self, code: str, line: int) -> None:
        """Note a trouble; the same again is counted."""
        known = next((t for t in self.troubles if t.code == code), None)
        if known:
            known.count += 1
        else:
            self.troubles.append(Trouble(code, line))


def read_gpx(content: bytes) -> GpxFile:
    """Read a file's track points, and its route's where it has no track; never raises."""
    if len(content) > LARGEST:
        found = GpxFile()
        found.complain("too_large", 0)
        return found
    reader = _Reader()
    reader.read(content)
    return reader.result()


class _Stop(Exception):
    """Reading ends here; the trouble is noted."""


_POINTS = {"trkpt": "track", "rtept": "route"}
_MEASURES = ("time", "speed", "course")


class _Reader:
    """Follows the file's elements; prefixes of namespaces don't matter."""

    def __init__(self) -> None:
        self.found = GpxFile()
        self._tracks: list[list[GpxPoint]] = []
        self._routes: list[list[GpxPoint]] = []
        self._path: list[str] = []
        self._place: tuple[float, float] | None = None
        self._told: dict[str, str] = {}
        self._count = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._chars
        self._parser.StartDoctypeDeclHandler = self._doctype

    def read(self, content: bytes) -> None:
        """As far as the file goes; what was read before a fault is kept."""
        try:
            self._parser.Parse(content, True)
        except _Stop:
            return
        except (expat.ExpatError, ValueError, LookupError):
            self.found.complain("not_xml", self._line())

    def result(self) -> GpxFile:
        """The track's segments, else the route's."""
        found = [s for s in self._tracks if s] or [s for s in self._routes if s]
        self.found.segments = found
        if not found and not self.found.troubles:
            self.found.complain("no_points", self._line())
        return self.found

    def _line(self) -> int:
        return max(1, self._parser.CurrentLineNumber)

    def _stop(self, code: str) -> None:
        self.found.complain(code, self._line())
        raise _Stop

    def _doctype(self, *_: Any) -> None:
        self._stop("doctype")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if not self._path and name != "gpx":
            self._stop("not_gpx")
        self._path.append(name)
        if len(self._path) > DEEPEST:
            self._stop("too_deep")
        if name == "trkseg":
            self._tracks.append([])
        elif name == "rte":
            self._routes.append([])
        elif name in _POINTS:
            self._place, self._told = self._place_of(attributes), {}

    def _place_of(self, attributes: dict[str, str]) -> tuple[float, float] | None:
        lat, lng = _number(attributes.get("lat")), _number(attributes.get("lon"))
        if lat is None or lng is None or not (-90 <= lat <= 90 and -180 <= lng <= 180):
            self.found.complain("bad_place", self._line())
            return None
        return lat, lng

    def _chars(self, text: str) -> None:
        if self._path and self._path[-1] in _MEASURES:
            name = self._path[-1]
            self._told[name] = (self._told.get(name, "") + text)[:LONGEST_TEXT]

    def _end(self, tag: str) -> None:
        name = self._path.pop()
        if name in _POINTS and self._place is not None:
            self._keep(self._tracks if name == "trkpt" else self._routes, self._place)
            self._place = None

    def _keep(self, segments: list[list[GpxPoint]], place: tuple[float, float]) -> None:
        self._count += 1
        if self._count > MOST_POINTS:
            self._stop("too_many")
        if not segments:
            segments.append([])
        speed, course = _number(self._told.get("speed")), _number(self._told.get("course"))
        segments[-1].append(GpxPoint(
            *place, self._moment(), speed if speed is not None and 0 <= speed < 500 else None,
            course % 360 if course is not None else None,
        ))  # fmt: skip

    def _moment(self) -> int | None:
        text = self._told.get("time", "").strip()
        if not text:
            self.found.complain("no_time", self._line())
            return None
        try:
            at = datetime.fromisoformat(text)
            return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
        except (ValueError, OverflowError):
            self.found.complain("bad_time", self._line())
            return None


def _number(text: str | None) -> float | None:
    """A finite number, else None."""
    try:
        found = float((text or "")[:LONGEST_TEXT])
    except ValueError:
        return None
    return found if abs(found) < 1e9 else None
