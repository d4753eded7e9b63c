"""Imports: reading other people's files, saying what is wrong, changing all or nothing."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from fieldcrm.clients import (
    exporting,
    import_command,
    import_rules,
    import_texts,
    importing,
    service,
    tabular,
)
from fieldcrm.clients.folding import fold, needles, search_text
from fieldcrm.clients.model import (
    ImportBlocked,
    ImportNotFound,
    ImportNotReady,
    UnreadableTable,
)
from fieldcrm.clients.tables import Client, ImportRun
from fieldcrm.kit.database import reading
from fieldcrm.kit.errors import TooLarge
from fieldcrm.kit.jobs import Cancelled
from fieldcrm.kit.tables import Event, FeedEntry
from fieldcrm.people.model import RoleForbids
from tests.clients.base import Base

HEAD = "external_id,name,kind,phone,lat,lng,category,territory\n"
GOOD = HEAD + "E1,Alpha,doctor,040 111 2222,60.17,24.94,A,North\nE2,Beta,pharmacy,,,,,\n"


def clients(**where: str) -> dict[str, Client]:
    with reading() as session:
        return {c.external_id: c for c in session.exec(select(Client)) if c.external_id}


def run(base: Base, text: str | bytes, name: str = "file.csv", **options):
    boss = base.actor("admin")
    content = text.encode() if isinstance(text, str) else text
    seen = importing.preview_import(boss, name, content, **options)
    return importing.run_import(boss, seen.run_id)


def troubles(base: Base, text: str, **options) -> list[tuple[int, str]]:
    seen = importing.preview_import(base.actor("admin"), "file.csv", text.encode(), **options)
    return [(t.row, t.code) for t in seen.troubles]


class TestRunning:
    def test_new_clients_come_in_whole_and_phones_hear_of_them(self, base: Base):
        report = run(base, GOOD)
        assert (report["status"], report["counts"]["create"]) == ("done", 2)
        alpha = clients()["E1"]
        assert (alpha.name, alpha.phone_e164, alpha.lat) == ("Alpha", "+358401112222", 60.17)
        assert (alpha.territory_id, alpha.source) == (base.territories["north"], "import")
        with reading() as session:
            told = session.exec(select(FeedEntry).where(FeedEntry.entity_id == alpha.id)).one()
            logged = session.exec(select(Event).where(Event.subject_id == alpha.id)).one()
        assert told.rep_id == base.company.users["rep_north"]
        assert logged.data["row"] == 2
        assert [c.name for c in service.find(base.actor("rep_north"), "1112222").rows] == ["Alpha"]

    def test_the_same_file_again_changes_nothing(self, base: Base):
        run(base, GOOD)
        before = clients()
        assert run(base, GOOD)["counts"]["unchanged"] == 2
        assert {k: c.version for k, c in clients().items()} == {
            k: c.version for k, c in before.items()
        }

    def test_a_blank_erases_nothing(self, base: Base):
        run(base, GOOD)
        run(base, HEAD + "E1,Alpha Ltd,,,,,B,\n")
        alpha = clients()["E1"]
        assert (alpha.name, alpha.category, alpha.phone, alpha.lat, alpha.kind) == (
            "Alpha Ltd", "B", "040 111 2222", 60.17, "doctor"
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("mode", "counts"), [("create", (1, 0, 1)), ("update", (0, 1, 1)), ("upsert", (1, 1, 0))]
    )
    def test_modes(self, base: Base, mode: str, counts: tuple[int, int, int]):
        run(base, GOOD)
        text = HEAD + "E1,Alpha,doctor,,,,C,\nE3,Gamma,buyer,,,,,\n"
        found = run(base, text, mode=mode)["counts"]
        assert (found["create"], found["update"], found["skipped"]) == counts
        assert ("E3" in clients()) == (mode != "update")
        assert clients()["E1"].category == ("A" if mode == "create" else "C")

    def test_clients_are_told_by_phone_or_by_name_and_address(self, base: Base):
        run(base, GOOD)
        by_phone = "phone,name\n+358 (40) 111-2222,Alpha Two\n"
        assert run(base, by_phone, match="phone")["counts"]["update"] == 1
        by_name = "name,note\nalpha  TWO,hello\n"
        assert run(base, by_name, match="name_address")["counts"]["update"] == 1
        assert clients()["E1"].note == "hello"

    def test_a_bad_row_is_named_and_the_others_come_in(self, base: Base):
        report = run(base, GOOD + "E3,,doctor,,,,,\nE4,Delta,doctor,,,,,\n")
        counts = report["counts"]
        assert (counts["rows"], counts["create"], counts["rejected"]) == (4, 3, 1)
        assert [(r["row"], r["column"], r["code"]) for r in report["rejected"]] == [
            (4, "name", "no_name")
        ]
        assert {"E1", "E2", "E4"} <= clients().keys()

    def test_all_or_nothing_when_the_person_wants_it(self, base: Base):
        text = GOOD + "E3,,doctor,,,,,\n"
        before = clients()
        with pytest.raises(ImportBlocked):
            run(base, text, whole=True)
        assert clients().keys() == before.keys()
        report = importing.list_runs(base.actor("admin"))[0]
        assert report.status == "failed"
        assert [(t["row"], t["code"]) for t in report.report["troubles"]] == [(4, "no_name")]

    def test_cancelling_changes_nothing(self, base: Base):
        boss = base.actor("admin")
        seen = importing.preview_import(boss, "file.csv", GOOD.encode())

        def stop(share: float, _what: str) -> None:
            if share >= 0.9:
                raise Cancelled

        before = clients()
        with pytest.raises(Cancelled):
            importing.run_import(boss, seen.run_id, stop)
        assert clients().keys() == before.keys()
        with reading() as session:
            kept = session.get(ImportRun, seen.run_id)
            assert kept is not None
            assert kept.status == "cancelled"

    def test_a_run_happens_once(self, base: Base):
        boss = base.actor("admin")
        seen = importing.preview_import(boss, "file.csv", GOOD.encode())
        importing.run_import(boss, seen.run_id)
        with pytest.raises(ImportNotReady):
            importing.run_import(boss, seen.run_id)
        with pytest.raises(ImportNotFound):
            importing.run_import(boss, "../../etc/passwd")

    def test_only_an_administrator_imports(self, base: Base):
        for login in ["rep_north", "dispatcher_north", "manager_north"]:
            with pytest.raises(RoleForbids):
                importing.preview_import(base.actor(login), "file.csv", GOOD.encode())
            with pytest.raises(RoleForbids):
                importing.list_runs(base.actor(login))

    def test_anothers_list_with_colliding_codes_overwrites_nobody(self, base: Base):
        run(base, "external_id,name\n1,Aaa\n2,Bbb\n3,Ccc\n4,Ddd\n")
        others = "external_id,name\n1,Www\n2,Xxx\n3,Yyy\n4,Ddd\n"
        with pytest.raises(ImportBlocked):
            run(base, others, match="external_id")
        assert clients()["1"].name == "Aaa"
        found = run(base, others)  # unless told otherwise, such codes tell nobody by themselves
        assert found["rules"]["match"] == "code_name"
        assert (found["counts"]["create"], found["counts"]["unchanged"]) == (3, 1)
        assert run(base, others)["counts"]["unchanged"] == 4


class TestTroubles:
    def test_are_told_by_row(self, base: Base):
        for row, code in [
            ("E3,,doctor,,,,,", "no_name"),
            ("E3,X,dragon,,,,,", "bad_kind"),
            ("E3,X,doctor,,24.9,,,", "no_lng"),
            ("E3,X,doctor,,,24.9,,", "no_lat"),
            ("E3,X,doctor,,124.9,60.2,,", "swapped_axes"),
            ("E3,X,doctor,,24.94,60.17,,", "swapped_axes"),
            ("E3,X,doctor,,95,200,,", "out_of_range"),
            ("E3,X,doctor,,0,0,,", "null_island"),
            ("E3,X,doctor,,north,24,,", "no_degrees"),
            ("E3,X,doctor,,nan,24,,", "no_degrees"),
            ("E3,X,doctor,,,,Z,", "bad_category"),
            ("E3,X,doctor,,,,,Narnia", "no_territory"),
            ("E1,Again,doctor,,,,,", "repeated"),
            ("E3,X,doctor,123,,,,", "phone_unread"),
            (f"E3,{'x' * 201},doctor,,,,,", "too_long"),
        ]:
            assert (4, code) in troubles(base, GOOD + row + "\n", match="external_id")

    def test_are_said_in_three_languages(self, base: Base):
        boss = base.actor("admin")
        seen = importing.preview_import(boss, "f.csv", (GOOD + "E3,X,dragon,,,,,\n").encode())
        texts = [import_texts.trouble_text(seen.troubles[0], lang) for lang in ("en", "ru", "ro")]
        assert [t.split()[0] for t in texts] == ["Row", "Строка", "Rândul"]
        assert all("dragon" in t and "import." not in t for t in texts)

    def test_ambiguous_when_two_clients_have_the_key(self, base: Base):
        boss = base.actor("admin")
        for _ in range(2):
            service.save(boss, {"name": "Twin", "kind": "buyer", "external_id": "T"})
        assert troubles(base, "external_id,name\nT,Twin\n") == [(2, "ambiguous")]

    @pytest.mark.parametrize(
        ("mode", "warned"),
        [
            ("upsert", {(4, "phone_unread"), (5, "phone_unread")}),
            ("create", {(2, "known_already"), (3, "known_already"), (4, "phone_unread"),
                        (5, "phone_unread")}),
            ("update", {(4, "phone_unread"), (5, "phone_unread"), (5, "not_known")}),
        ],
    )  # fmt: skip
    def test_the_counter_of_warnings_counts_those_of_the_list(
        self, base: Base, tmp_path, mode: str, warned: set[tuple[int, str]]
    ):
        run(base, GOOD)
        path = tmp_path / "f.csv"
        path.write_text(GOOD + "E3,X,dragon,12,,,,\nE4,Delta,doctor,13,,,,\n")
        seen = import_command.import_file(path, mode=mode, dry_run=True)
        for report in (seen, import_command.import_file(path, mode=mode)):
            listed = [(t["row"], t["code"]) for t in report["troubles"] if not t["blocks"]]
            assert set(listed) == warned
            assert report["counts"]["warnings"] == len(listed) == len(warned)
            told = import_command.as_json(report)
            assert told["warnings"] == len(told["warned"])

    def test_an_unmapped_name_is_asked_for(self, base: Base):
        assert troubles(base, "external_id,town\nE1,Turku\n") == [(0, "not_mapped"), (2, "no_name")]


RUSSIAN = "код;название;город;телефон\n1;Аптека «Здоровье» №5;Кишинёв;+373 22 123456\n"
ROMANIAN = "cod;denumire;oraș;telefon\n1;Farmacia Țărăncuța și fiii;Brașov;+40 268 123456\n"


class TestReading:
    @pytest.mark.parametrize(
        ("text", "encoding"),
        [(RUSSIAN, "utf-8"), (RUSSIAN, "utf-8-sig"), (RUSSIAN, "cp1251"), (RUSSIAN, "utf-16"),
         (ROMANIAN.replace("ș", "ş").replace("Ț", "Ţ").replace("ț", "ţ"), "cp1250"),
         (ROMANIAN, "utf-8")],
    )  # fmt: skip
    def test_encodings_are_told_apart(self, text: str, encoding: str):
        table = tabular.read_table("file.csv", text.encode(encoding))
        assert table.encoding == encoding
        assert table.rows[0][1] == text.splitlines()[1].split(";")
        assert set(import_rules.suggest(table).values()) == {"external_id", "name", "city", "phone"}

    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_delimiters_are_told_apart(self, delimiter: str):
        out = io.StringIO()
        rows = [["name", "note", "city"], ["A, B; C", "x|y\tz", "D"], ["E", "two\nlines", "F"]]
        csv.writer(out, delimiter=delimiter).writerows(rows)
        table = tabular.read_table("f.csv", out.getvalue().encode())
        assert [cells for _, cells in table.rows] == rows[1:]
        assert [n for n, _ in table.rows] == [2, 3]

    def test_a_file_without_titles_is_guessed_by_its_cells(self):
        text = "FA512,Lords Pharmacy,Unit 61,CB8 8EQ,01638 428022,52.244,0.405\n" * 1
        text += "FAP38,Lloyds,Church Street,CA2 5TF,01228533915,54.894,-2.947\n"
        table = tabular.read_table("f.csv", text.encode())
        assert not table.has_header
        assert import_rules.suggest(table) == {
            "1": "external_id", "2": "name", "3": "address", "4": "postcode", "5": "phone",
            "6": "lat", "7": "lng",
        }  # fmt: skip

    def test_one_column_without_a_title_is_no_client_list(self, base: Base):
        assert (0, "not_mapped") in troubles(base, "vm\n")

    def test_x_is_the_longitude(self):
        table = tabular.read_table("f.csv", b"X,Y,NUME\n23.57,46.07,Alba Iulia\n")
        assert import_rules.suggest(table) == {"X": "lng", "Y": "lat", "NUME": "name"}

    def test_a_spreadsheet_reads_as_its_author_saw_it(self):
        out = io.BytesIO()
        with xlsxwriter.Workbook(out) as book:
            book.add_worksheet("empty")
            sheet = book.add_worksheet("data")
            sheet.write_row(0, 0, ["external_id", "name", "phone", "lat"])
            sheet.write_row(1, 0, [17, "Ёлка", 79121234567, 60.5])
        table = tabular.read_table("f.xlsx", out.getvalue())
        assert table.rows == [(2, ["17", "Ёлка", "79121234567", "60.5"])]

    @pytest.mark.parametrize(
        ("name", "content", "why", "row"),
        [("f.csv", b"", "empty", None), ("f.csv", b"\n\n ; ;\n", "empty", None),
         ("f.csv", b"name\n", "empty", None), ("f.csv", b"   \t\r\n  ", "empty", None),
         ("f.csv", "\u00a0 \u3000\n".encode(), "empty", None), ("f.csv", "  \n".encode("utf-16"), "empty", None),
         ("f.xlsx", b"", "empty", None), ("f.geojson", b"  ", "empty", None), ("f.vcf", b"\n", "empty", None),
         ("f.csv", b"\x89PNG\r\n\x1a\n\x00\x00", "not_text", None),
         ("f.xlsx", b"PK\x03\x04 damaged", "not_a_sheet", None), ("f.xlsx", b"hello", "not_a_sheet", None),
         ("f.csv", b'name,note\n"A"b,x\n', "quotes", 2),
         ("f.csv", b"\xef\xbb\xbfname\n\xff\xfe\n", "encoding", 2),
         ("f.csv", b"name\n" + b"x" * 40_000, "too_long", 2),
         ("f.csv", b"name," * 300 + b"\nA\n", "too_many_columns", 1)],
    )  # fmt: skip
    def test_what_is_no_table_says_why(self, name, content, why, row):
        with pytest.raises(UnreadableTable) as refusal:
            tabular.read_table(name, content)
        assert (refusal.value.params["why"], refusal.value.params.get("row")) == (why, row)

    @pytest.mark.parametrize("nothing", [b"\n", b";;\r\n", b" ; ;\n"])
    def test_rows_of_nothing_are_no_rows_however_many(self, nothing: bytes, monkeypatch):
        """As a spreadsheet leaves them whose empty rows were formatted."""
        monkeypatch.setattr(tabular, "ROWS_MAX", 10)
        content = b"name;phone;city\nA;040 1234567;X\n" + nothing * 1_000 + b"B;040 1234568;Y\n"
        table = tabular.read_table("f.csv", content)
        assert [(number, cells[0]) for number, cells in table.rows] == [(2, "A"), (1_003, "B")]

    @settings(deadline=None)
    @given(st.binary(max_size=300))
    def test_no_bytes_crash_the_reader(self, content: bytes):
        try:
            table = tabular.read_table("f.csv", content)
        except UnreadableTable:
            return
        assert all(len(cells) == len(table.columns) for _, cells in table.rows)

    def test_a_mapping_must_fit_the_file(self, base: Base):
        boss = base.actor("admin")
        for mapping in ({"nope": "name"}, {"name": "password_hash"}, {"name": "id"}):
            with pytest.raises(UnreadableTable):
                importing.preview_import(boss, "f.csv", GOOD.encode(), mapping)


class TestCommandLine:
    def test_a_file_of_this_machine_comes_in_with_constants(self, base: Base, tmp_path):
        path = tmp_path / "a.csv"
        path.write_text("external_id,who\nE1,Alpha\n")
        given: dict[str, Any] = {"mapping": {"who": "name"}, "constants": {"kind": "pharmacy"}}
        seen = import_command.import_file(path, dry_run=True, **given)
        assert (seen["status"], seen["counts"]["create"]) == ("preview", 1)
        assert "E1" not in clients()
        done = import_command.import_file(path, **given)
        assert done["status"] == "done"
        assert (clients()["E1"].name, clients()["E1"].kind) == ("Alpha", "pharmacy")
        assert "New clients: 1" in import_texts.report_text(done)

    def test_a_file_too_large_is_refused_before_it_is_read(self, base: Base, tmp_path):
        huge = tmp_path / "huge.csv"
        with huge.open("wb") as file:
            file.truncate(1 << 34)  # takes no room on the disk
        with pytest.raises(TooLarge):
            import_command.import_file(huge)

    def test_what_keeps_it_out_is_told_in_words(self, base: Base, tmp_path):
        path = tmp_path / "a.csv"
        path.write_text("name,kind\nX,dragon\n")
        report = import_command.import_file(path, whole=True)
        assert report["status"] == "failed"
        assert "Row 2 kind “dragon”" in import_texts.report_text(report)
        gone = import_command.import_file(tmp_path / "none.csv")
        assert "could not be opened" in import_texts.report_text(gone)
        for nothing in (b"", b"   \n", b"name,kind\n"):
            path.write_bytes(nothing)
            report = import_command.import_file(path)
            assert import_texts.report_text(report) == "The file holds no rows."
            assert import_command.as_json(report)["reason"] == "The file holds no rows."
        path.write_bytes(b"\x00\x01")
        assert "neither a text table" in import_texts.report_text(import_command.import_file(path))


class TestExport:
    EVIL = ('=HYPERLINK("http://evil")', "+1+1", "-1", "@SUM(A1)", "\t=1", "=cmd|'/c calc'!A0")

    def test_no_cell_starts_a_formula_and_what_goes_out_comes_back(self, base: Base):
        boss = base.actor("admin")
        for i, name in enumerate(self.EVIL):
            change = {"name": name, "kind": "buyer", "external_id": f"X{i}", "phone": "+358 40 1"}
            service.save(boss, change)
        content = exporting.export_csv(boss)
        assert content.startswith(b"\xef\xbb\xbf")
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        texts = [c for row in rows for c in row if not import_rules.DEGREES.fullmatch(c)]
        assert not [c for c in texts if c.startswith(("=", "+", "-", "@", "\t"))]
        before = {k: c.model_dump() for k, c in clients().items()}
        report = run(base, content, "back.csv", mode="update")
        assert report["counts"]["update"] == 0
        assert {k: c.model_dump() for k, c in clients().items()} == before

    def test_a_workbook_holds_texts_only(self, base: Base):
        import zipfile

        boss = base.actor("admin")
        for name in self.EVIL:
            service.save(boss, {"name": name, "kind": "buyer", "website": "http://a.example"})
        book = zipfile.ZipFile(io.BytesIO(exporting.export_xlsx(boss)))
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in sheet
        assert "hyperlink" not in sheet
        table = tabular.read_table("f.xlsx", exporting.export_xlsx(boss))
        assert "name" in table.columns
        assert len(table.rows) == service.count(boss)

    def test_a_rep_takes_his_own_only_and_the_log_says_so(self, base: Base):
        text = exporting.export_csv(base.actor("rep_south")).decode("utf-8-sig")
        assert "Farmacia" in text
        assert "Töölö" not in text
        with reading() as session:
            logged = session.exec(select(Event).where(Event.kind == "clients.exported")).one()
        assert (logged.data["rows"], logged.actor_id) == (1, base.company.users["rep_south"])


class TestFolding:
    @settings(deadline=None)
    @given(st.text(max_size=40))
    def test_folding_twice_is_folding_once(self, text: str):
        assert fold(fold(text)) == fold(text)

    @settings(deadline=None)
    @given(
        st.text(alphabet="абвгдеёжзийклмнопрстуфхцчшщъыьэюяșțăîâõäöüABCxyz 0123456789", max_size=30)
    )
    def test_every_word_of_a_name_finds_it(self, name: str):
        found = search_text(name)
        for alternatives in needles(name):
            digits = search_text(name, phones=(name,))
            assert any(n in found or n in digits for n in alternatives)
