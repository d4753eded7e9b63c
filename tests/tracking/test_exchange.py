"""A day goes out whole in three forms; a GPX file that comes in, whatever it is, never breaks us."""

from __future__ import annotations

import json
from xml.dom import minidom

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.tracking import exchange
from fieldcrm.tracking.model import Doubt, Fix, Stop

START_MS = 1_790_000_000_000
HEAD = '<?xml version="1.0"?><gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1">'


def fix(n: int, doubts: int = 0) -> Fix:
    at = START_MS + n * 10_500
    return Fix("rep", "phone", n, at, at, at, 60.17 + n / 1e5, 24.94 - n / 1e5, doubts=doubts)


def journey(name: str = "Aino 4.5.2026") -> exchange.Journey:
    fixes = [fix(n, Doubt.teleport if n == 3 else 0) for n in range(10)]
    lines = exchange.lines_of(fixes, [4])
    return exchange.Journey(name, lines, [Stop(60.17, 24.94, START_MS, START_MS + 600_000, 9)])


def codes(found: exchange.GpxFile) -> list[str]:
    return [t.code for t in found.troubles]


def gpx(*points: str) -> bytes:
    return f"{HEAD}<trk><trkseg>{''.join(points)}</trkseg></trk></gpx>".encode()


def test_no_line_crosses_a_break_or_visits_a_place_nobody_believes() -> None:
    assert [[f.seq for f in line] for line in journey().lines] == [[0, 1, 2], [4, 5, 6, 7, 8, 9]]


def test_what_goes_out_as_gpx_comes_in_again() -> None:
    found = exchange.read_gpx(exchange.gpx(journey()).encode())
    assert found.troubles == []
    told = [[(p.lat, p.lng, p.at_ms) for p in segment] for segment in found.segments]
    assert told == [
        [(round(f.lat, 7), round(f.lng, 7), f.fix_at_ms) for f in line] for line in journey().lines
    ]


@given(st.text(max_size=30).filter(lambda text: all(not 0xD800 <= ord(c) < 0xE000 for c in text)))
def test_any_name_makes_xml_that_others_read(name: str) -> None:
    for text in (exchange.gpx(journey(name)), exchange.kml(journey(name))):
        minidom.parseString(text.encode())


def test_kml_plays_and_geojson_holds_lines_with_times_and_stops() -> None:
    drawn = minidom.parseString(exchange.kml(journey()).encode())
    tracks = drawn.getElementsByTagName("gx:Track")
    assert [len(t.getElementsByTagName("when")) for t in tracks] == [3, 6]
    assert [len(t.getElementsByTagName("gx:coord")) for t in tracks] == [3, 6]
    features = json.loads(exchange.geojson(journey()))["features"]
    assert [f["geometry"]["type"] for f in features] == ["LineString", "LineString", "Point"]
    assert features[0]["geometry"]["coordinates"][0] == [24.94, 60.17]
    assert features[0]["properties"]["times"][1] == "2026-09-21T14:13:30.500Z"


@pytest.mark.parametrize(
    ("content", "told", "points"),
    [
        (b"", ["not_xml"], 0),
        (b"hello", ["not_xml"], 0),
        (b"<kml/>", ["not_gpx"], 0),
        (HEAD.encode() + b"</gpx>", ["no_points"], 0),
        (gpx('<trkpt lat="1" lon="2"/>'), ["no_time"], 1),
        (gpx('<trkpt lat="91" lon="2"/>', '<trkpt lon="2"/>', '<trkpt lat="x" lon="nan"/>'),
         ["bad_place"], 0),
        (gpx('<trkpt lat="1" lon="2"><time>yesterday</time></trkpt>'), ["bad_time"], 1),
        (gpx('<trkpt lat="1" lon="2"><time>2026-05-04T10:00:00Z</time></trkpt>')[:-9], ["not_xml"], 1),
        (b"<?xml version='1.0' encoding='koi-8-nonsense'?><gpx/>", ["not_xml"], 0),
        (b"<gpx>" + b"<a>" * 50, ["too_deep"], 0),
        (b"<!DOCTYPE gpx SYSTEM 'file:///etc/passwd'><gpx/>", ["doctype"], 0),
        (b"<!DOCTYPE g [<!ENTITY a 'aaa'><!ENTITY b '&a;&a;'>]><gpx>&b;</gpx>", ["doctype"], 0),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_what_was_read_is_kept(
    content: bytes, told: list[str], points: int
) -> None:
    found = exchange.read_gpx(content)
    assert codes(found) == told
    assert found.points == points


def test_troubles_are_counted_and_say_their_first_line() -> None:
    bad = '\n<trkpt lat="999" lon="2"/>'
    found = exchange.read_gpx(gpx(*[bad] * 300))
    assert [(t.code, t.line, t.count) for t in found.troubles] == [("bad_place", 2, 300)]


def test_a_file_too_large_or_with_too_many_points_is_not_read_on() -> None:
    assert codes(exchange.read_gpx(b" " * (exchange.LARGEST + 1))) == ["too_large"]
    point = '<trkpt lat="1" lon="2"><time>2026-05-04T10:00:00Z</time></trkpt>'
    found = exchange.read_gpx(gpx(point * (exchange.MOST_POINTS + 5)))
    assert codes(found) == ["too_many"]
    assert found.points == exchange.MOST_POINTS


def test_measures_of_an_old_file_and_a_route_without_a_track() -> None:
    point = (
        '<trkpt lat="1" lon="2"><time>2026-05-04T10:00:00+03:00</time>'
        "<speed>1.5</speed><course>-90</course></trkpt>"
    )
    (segment,) = exchange.read_gpx(gpx(point)).segments
    assert segment[0] == exchange.GpxPoint(1.0, 2.0, 1_777_878_000_000, 1.5, 270.0)
    route = f'{HEAD}<rte><rtept lat="3" lon="4"/></rte></gpx>'.encode()
    assert exchange.read_gpx(route).points == 1


@given(st.binary(max_size=300))
def test_nonsense_is_told_as_such(content: bytes) -> None:
    assert exchange.read_gpx(content).troubles


@given(st.data())
def test_a_file_with_holes_never_breaks_the_reader(data: st.DataObject) -> None:
    whole = bytearray(exchange.gpx(journey()).encode())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    found = exchange.read_gpx(bytes(whole))
    assert found.points <= 9
