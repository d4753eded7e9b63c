"""Forms of files, and what is read out of their cells."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from fieldcrm.clients import (
    import_command,
    import_hours,
    import_places,
    import_rules,
    import_sheets,
    import_templates,
    importing,
    tabular,
)
from fieldcrm.clients.model import TemplateNotFound, UnreadableTable
from fieldcrm.clients.tables import Client
from fieldcrm.kit.database import reading
from fieldcrm.people.model import RoleForbids
from tests.clients.base import Base

MAP = """{"type": "FeatureCollection", "features": [
 {"type": "Feature", "id": "node/1", "geometry": {"type": "Point", "coordinates": [26.68, 58.36]},
  "properties": {"amenity": "pharmacy", "name": "Raja Apteek", "addr:street": "Raja", "addr:housenumber": "31",
                 "addr:city": "Tartu", "addr:country": "EE", "contact:phone": "+372 7442224",
                 "opening_hours": "Mo-Th 08:00-17:30; Fr 08:00-16:00"}},
 {"type": "Feature", "properties": {"@id": "way/2", "building": "hospital", "name": "Haigla"},
  "geometry": {"type": "Polygon", "coordinates": [[[26.0, 58.0], [26.2, 58.0], [26.2, 58.4], [26.0, 58.0]]]}},
 {"type": "Feature", "properties": {"@id": "node/3", "amenity": "pharmacy"}, "geometry": null},
 17]}"""
CARDS = """BEGIN:VCARD\r
VERSION:3.0\r
UID:c1\r
N:Popescu;Ioana;;;\r
FN:Dr. Ioana Popescu\r
TITLE:Cardiolog\r
TEL;TYPE=WORK:+40 268 123456\r
TEL:+40 721 000 111\r
ADR;TYPE=WORK:;;Str. Lungă 5;Brașov;;500001;RO\r
GEO:45.65;25.6\r
NOTE:prima linie\\, apoi\\nalta care e\r
  lungă\r
END:VCARD\r
BEGIN:VCARD\r
VERSION:2.1\r
FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=90=D0=BF=D1=82=D0=B5=D0=BA=D0=B0=\r
=20=E2=84=96=205\r
ORG:Сеть;Отдел\r
END:VCARD\r
BEGIN:VCARD\r
FN:Nobody ends me\r
"""


def report_of(base: Base, name: str, content: bytes, **options: Any) -> dict[str, Any]:
    boss = base.actor("admin")
    seen = importing.preview_import(boss, name, content, **options)
    return importing.run_import(boss, seen.run_id)


def client(external_id: str) -> Client:
    with reading() as session:
        return session.exec(select(Client).where(Client.external_id == external_id)).one()


class TestMaps:
    @pytest.mark.parametrize("wrapped", ["{}", "const pharmacy = {};\n", "\ufeffvar p={}"])
    def test_features_come_in_longitude_first(self, base: Base, wrapped: str):
        report = report_of(base, "map.js", wrapped.replace("{}", MAP).encode())
        assert report["counts"]["create"] == 2
        assert [(r["row"], r["code"]) for r in report["rejected"]] == [
            (3, "no_name"),
            (4, "no_feature"),
        ]
        raja = client("node/1")
        assert (raja.lat, raja.lng, raja.kind) == (58.36, 26.68, "pharmacy")
        assert (raja.address, raja.city, raja.phone_e164) == ("Raja, 31", "Tartu", "+3727442224")
        haigla = client("way/2")
        assert (haigla.lat, haigla.lng, haigla.kind) == (58.2, 26.1, "organisation")
        again = report_of(base, "map.js", wrapped.replace("{}", MAP).encode())
        assert again["counts"]["unchanged"] == 2

    @pytest.mark.parametrize(
        ("text", "why"), [("{", "json"), ('{"a": 1}', "no_features"), ('{"features": [1}', "json")]
    )
    def test_what_is_no_map_says_why(self, text: str, why: str):
        with pytest.raises(UnreadableTable) as refusal:
            tabular.read_table("map.geojson", text.encode())
        assert refusal.value.params["why"] == why

    def test_axes_the_wrong_way_round_are_named(self, base: Base):
        swapped = MAP.replace("[26.68, 58.36]", "[58.36, 26.68]")
        report = report_of(base, "map.geojson", swapped.encode())
        assert (1, "swapped_axes") in [(r["row"], r["code"]) for r in report["rejected"]]


class TestCards:
    def test_cards_of_three_versions_come_in(self, base: Base):
        report = report_of(base, "people.vcf", CARDS.encode(), constants={"kind": "doctor"})
        assert report["counts"]["create"] == 2
        assert [(r["row"], r["code"]) for r in report["rejected"]] == [(3, "no_card")]
        ioana = client("c1")
        assert (ioana.name, ioana.kind, ioana.specialty) == (
            "Dr. Ioana Popescu",
            "doctor",
            "Cardiolog",
        )
        assert (ioana.phone, ioana.phone_e164) == (
            "+40 268 123456; +40 721 000 111",
            "+40268123456",
        )
        assert (ioana.address, ioana.city, ioana.postcode) == ("Str. Lungă 5", "Brașov", "500001")
        assert (ioana.lat, ioana.lng) == (45.65, 25.6)
        assert ioana.note == "prima linie, apoi\nalta care e lungă"
        with reading() as session:
            assert session.exec(select(Client).where(Client.name == "Аптека № 5")).one().tags == [
                "Сеть Отдел"
            ]

    @settings(deadline=None)
    @given(st.text(max_size=200))
    def test_no_card_crashes_the_reader(self, text: str):
        content = f"BEGIN:VCARD\n{text}\nEND:VCARD\n".encode("utf-8", "replace")
        try:
            table = tabular.read_table("x.vcf", content)
        except UnreadableTable:
            return
        assert all(len(cells) == len(table.columns) for _, cells in table.rows)


class TestDamage:
    def test_a_quotation_mark_swallows_its_own_row_only(self):
        table = tabular.read_table("f.csv", b'name,note\nA,x\nB,"never closed\nC,z\nD,"q"\n')
        assert [cells[0] for _, cells in table.rows] == ["A", "C", "D"]
        assert [(t.row, t.code) for t in table.bad] == [(3, "quotes")]

    def test_a_damaged_letter_costs_its_own_row_only(self):
        text = "имя,город\nАнна,Уфа\nБорис,Томск\nВера,Омск\n".encode()
        table = tabular.read_table("f.csv", text.replace("Томск".encode(), b"\xd0\xff"))
        assert table.encoding == "utf-8"
        assert [cells[0] for _, cells in table.rows] == ["Анна", "Вера"]
        assert [(t.row, t.code) for t in table.bad] == [(3, "encoding")]

    def test_a_row_damaged_and_misquoted_is_named_too(self, base: Base):
        text = 'название,город\nАннушка,Новосибирск\n"Борис"x,Томск\n'.encode()
        report = report_of(base, "f.csv", text.replace("Томск".encode(), b"\xd0\xff"))
        assert report["counts"]["create"] == 1
        assert [(r["row"], r["code"], r["value"]) for r in report["rejected"]] == [
            (3, "quotes", '"Борис"x,??')
        ]

    def test_an_unquoted_delimiter_shifts_no_cell(self, base: Base):
        rows = "".join(f"K{n},Name {n},Street {n},040 111 22{n:02}\n" for n in range(20))
        text = "external_id,name,address,phone\n" + rows + "K99,Odd,Street 5, 2nd floor,040 1\n"
        report = report_of(base, "f.csv", text.encode())
        assert report["counts"]["create"] == 20
        assert [(r["row"], r["code"]) for r in report["rejected"]] == [(22, "extra_cells")]

    def test_every_row_is_in_one_count_or_named(self, base: Base, tmp_path):
        path = tmp_path / "f.csv"
        path.write_text(
            'name,kind,lat,lng\nA,doctor,60,24\nB,dragon,,\n,doctor,,\nC,doctor,24,\nD,"x\nE,buyer,,\nA,doctor,60,24\n'
        )
        told = import_command.as_json(import_command.import_file(path))
        assert told["rows"] == 7
        assert told["created"] + told["updated"] + told["unchanged"] + len(told["rejected"]) == 7
        assert [r["row"] for r in told["rejected"]] == [3, 4, 5, 6, 8]
        assert all(r["reason"] and "import." not in r["reason"] for r in told["rejected"])
        again = import_command.as_json(import_command.import_file(path))
        assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 2)

    @pytest.mark.parametrize(
        ("mode", "code"), [("create", "known_already"), ("update", "not_known")]
    )
    def test_rows_that_the_mode_passes_over_are_named(self, base: Base, mode: str, code: str):
        known = b"external_id,name\nF-001,Farmacia\n"
        new = b"external_id,name\nF-002,Beta\n"
        report = report_of(base, "f.csv", known if mode == "create" else new, mode=mode)
        assert [(r["row"], r["code"]) for r in report["rejected"]] == [(2, code)]


def workbook(*rows: list[Any]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        for n, row in enumerate(rows):
            sheet.write_row(n, 0, row)
    return out.getvalue()


def with_part(content: bytes, name: str, part: bytes) -> bytes:
    """The same archive with one part replaced or added."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for item in old.namelist():
            if item != name:
                new.writestr(item, old.read(item))
        new.writestr(name, part)
    return out.getvalue()


class TestHostileSheets:
    @pytest.fixture
    def book(self) -> bytes:
        return workbook(["name", "note"], ["A", "x"])

    def why(self, content: bytes) -> str:
        with pytest.raises(UnreadableTable) as refusal:
            tabular.read_table("f.xlsx", content)
        return refusal.value.params["why"]

    def test_a_bomb_is_counted_not_believed(self, book: bytes):
        bomb = with_part(book, "xl/media/x.bin", bytes(import_sheets.UNPACKED_MAX + 1))
        assert len(bomb) < 1 << 20
        assert self.why(bomb) == "bomb"
        parts = zipfile.ZipFile(io.BytesIO(bomb)).infolist()
        size = next(p.file_size for p in parts if p.filename == "xl/media/x.bin")
        lying = bomb.replace(struct.pack("<L", size), struct.pack("<L", 10))
        assert sum(p.file_size for p in zipfile.ZipFile(io.BytesIO(lying)).infolist()) < 1 << 20
        assert self.why(lying) == "bomb"

    def test_a_cell_far_out_takes_no_room(self, book: bytes):
        sheet = (
            b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
            b'<sheetData><row r="1"><c r="A1"><v>1</v></c></row>'
            b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
        )
        assert self.why(with_part(book, "xl/worksheets/sheet1.xml", sheet)) in ("bomb", "empty")

    def test_a_password_is_said_to_be_one(self):
        assert (
            self.why(import_sheets.OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"))
            == "password"
        )

    def test_a_broken_one_says_so(self, book: bytes):
        assert self.why(book[: len(book) // 2]) == "not_a_sheet"
        assert self.why(with_part(book, "xl/workbook.xml", b"<broken")) == "not_a_sheet"


class TestCells:
    @pytest.mark.parametrize(
        ("written", "read"),
        [("Mo-Fr 08:00-20:00; Sa 09:00-18:00", "Mo-Fr 08:00-20:00; Sa 09:00-18:00"),
         ("пн-пт 9:00-18:00; сб 10-15; вс выходной", "Mo-Fr 09:00-18:00; Sa 10:00-15:00; Su off"),
         ("Luni-Vineri 08:00-20:00, Sâmbătă 9-14", "Mo-Fr 08:00-20:00; Sa 09:00-14:00"),
         ("Mon–Fri 9am–6pm", "Mo-Fr 09:00-18:00"), ("ежедневно с 8 до 22", "Mo-Su 08:00-22:00"),
         ("круглосуточно", "24/7"), ("Mo-Sa 09:15-12:15 / 14:15-19:15", "Mo-Sa 09:15-12:15,14:15-19:15"),
         ("call us", None), ("maybe 9-18", None), ("Mo-Fr 25-30", None), ("8.45-19.30 (continuato)", None)],
    )  # fmt: skip
    def test_hours_are_understood_or_left_never_invented(self, written: str, read: str | None):
        assert import_hours.normal(written) == read

    @settings(deadline=None)
    @given(st.text(max_size=40))
    def test_whatever_comes_out_is_valid(self, text: str):
        made = import_hours.normal(text)
        assert made is None or import_hours.is_valid(made)

    def test_hours_that_are_not_understood_stay_as_written_with_a_warning(self, base: Base):
        report = report_of(base, "f.csv", b"external_id,name,hours\nH1,A,call us\nH2,B,9-18\n")
        assert report["trouble_counts"] == {"hours_unread": 1}
        assert (client("H1").opening_hours, client("H2").opening_hours) == (
            "call us",
            "Mo-Su 09:00-18:00",
        )

    def test_categories_are_read_as_people_write_them(self, base: Base):
        text = "external_id,name,category\nC1,A,кат. А\nC2,B,Category b\nC3,C,С\n"
        report_of(base, "f.csv", text.encode())
        assert [client(f"C{n}").category for n in (1, 2, 3)] == ["A", "B", "C"]

    def test_whose_numbers_they_are_is_told_by_the_map(self):
        phones = ["01638 428022", "01228 533915", "0161 491 3704"]
        points = [(52.2, 0.4), (54.9, -2.9), (53.4, -2.2)]
        assert import_places.country_of_phones(points, phones) == "GB"
        assert import_places.country_of_phones([(60.2, 24.9)] * 3, phones) is None
        assert import_places.country_of_phones(points, ["+358 40 111 2222"]) is None

    def test_a_point_beyond_its_country_is_swapped(self, base: Base):
        text = "external_id,name,country,lat,lon\nR1,A,RO,25.6,45.6\nR2,B,RO,45.6,25.6\n"
        report = report_of(base, "f.csv", text.encode())
        assert [(r["row"], r["code"]) for r in report["rejected"]] == [(2, "swapped_axes")]
        assert client("R2").lat == 45.6

    def test_untitled_degrees_beyond_ninety_are_longitudes(self):
        rows = "".join(f"K{n}x,Name {n} of many,{130 + n}.12345,{40 + n}.12345\n" for n in range(5))
        table = tabular.read_table("f.csv", rows.encode())
        found = {f: c for c, f in import_rules.suggest(table).items()}
        assert (found["lng"], found["lat"]) == ("3", "4")

    def test_a_table_without_a_name_is_called_by_what_tells_its_rows_apart(self):
        rows = "".join(f"обл Тверская, г Город{n};17000{n};тип\n" for n in range(5))
        table = tabular.read_table("f.csv", f"address;postal_code;kind\n{rows}".encode("cp1251"))
        assert table.encoding == "cp1251"
        assert import_rules.suggest(table)["address"] == "name"


class TestWhoIsWho:
    def test_places_of_one_name_far_apart_are_two_clients(self, base: Base):
        text = "X,Y,NUME,JUDET\n23.5,46.1,Valea Mare,Alba\n23.9,46.4,Valea Mare,Alba\n23.5,46.1,Valea Mare,Alba\n"
        report = report_of(base, "f.csv", text.encode())
        assert report["counts"]["create"] == 2
        assert [(r["row"], r["code"]) for r in report["rejected"]] == [(4, "repeated")]
        assert report_of(base, "f.csv", text.encode())["counts"]["unchanged"] == 2

    def test_two_lists_with_the_same_codes_live_side_by_side(self, base: Base):
        one = "id,name\n" + "".join(f"{n},Spital {w}\n" for n, w in enumerate("ABCD"))
        two = "id,name\n" + "".join(f"{n},Bolnitsa {w}\n" for n, w in enumerate("KLMN"))
        assert report_of(base, "f.csv", one.encode())["counts"]["create"] == 4
        assert report_of(base, "f.csv", two.encode())["counts"]["create"] == 4
        for text in (one, two):
            assert report_of(base, "f.csv", text.encode())["counts"]["unchanged"] == 4

    def test_a_row_without_the_key_is_told_by_name_and_address(self, base: Base):
        text = b"phone,name,city\n040 111 2222,A,Turku\n,B,Turku\n"
        assert report_of(base, "f.csv", text, match="phone")["counts"]["create"] == 2
        assert report_of(base, "f.csv", text, match="phone")["counts"]["unchanged"] == 2


class TestTemplates:
    def test_a_reading_is_kept_and_used_again(self, base: Base, tmp_path):
        path = tmp_path / "a.csv"
        path.write_text("who,what,where\nAlpha,apteka,Turku\n")
        mapping = {"who": "name", "what": "note", "where": "city"}
        import_command.import_file(
            path, mapping=mapping, constants={"kind": "pharmacy"}, match="name_address",
            save_as="Monthly list", dry_run=True,
        )  # fmt: skip
        path.write_text("who,what,where\nBeta,apteka,Oulu\n")
        told = import_command.as_json(import_command.import_file(path, template="Monthly list"))
        assert (told["created"], told["mapping"], told["match"]) == (1, mapping, "name_address")
        assert told["constants"]["kind"] == "pharmacy"
        boss = base.actor("admin")
        fitting = import_templates.fitting(boss, ["who", "what", "where"])
        assert fitting is not None
        assert fitting.name == "Monthly list"
        import_templates.remove(boss, "Monthly list")
        with pytest.raises(TemplateNotFound):
            import_command.import_file(path, template="Monthly list")

    def test_only_an_administrator_has_them(self, base: Base):
        for login in ("rep_north", "dispatcher_north", "manager_north"):
            actor = base.actor(login)
            with pytest.raises(RoleForbids):
                import_templates.list_templates(actor)
            with pytest.raises(RoleForbids):
                import_templates.save(actor, "x", "y")
            with pytest.raises(RoleForbids):
                import_templates.remove(actor, "x")
