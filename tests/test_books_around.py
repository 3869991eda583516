"""The proof about all that is no row: what is said about the rows around them, the other parts of a workbook, the
sheets that are added to it. A fault of the writer is found there too, and no file is replaced."""

import io
import re
from functools import partial

import pytest
from bookshop import book, frame
from fills import BOARD, comment, dressed, fill, first, full, refuses, spoil

from segmenter.books import adding, adopt, drawn, growth, results, slots, styles, translate
from segmenter.books.edited import Edited
from segmenter.books.index import Index
from segmenter.books.package import write
from segmenter.schema import CLEANING, RFM

SAID = {
    "rules gone": first(rb"<conditionalFormatting.*</conditionalFormatting>", b""),
    "validations gone": first(rb"<dataValidations.*</dataValidations>", b""),
    "links gone": first(rb"<hyperlinks.*</hyperlinks>", b""),
    "a rule elsewhere": first(rb'(<conditionalFormatting sqref=")[^"]*', rb"\1ZZ1"),
    "a validation elsewhere": first(rb'(<dataValidation [^>]*sqref=")[^"]*', rb"\1ZZ1"),
    "another rule": first(rb"<formula>[^<]*", b"<formula>1=1"),
    "a link at another customer": first(rb'<hyperlink ref="O4"', b'<hyperlink ref="O2"'),
}


@pytest.mark.parametrize("name", SAID)
def test_what_is_said_otherwise_about_the_rows_is_found(tmp_path, monkeypatch, name):
    path = dressed(tmp_path / "a.xlsx")
    spoil(monkeypatch, SAID[name])
    refuses(path, full("1234"))


def test_rules_and_links_that_do_not_follow_the_rows_are_found(tmp_path, monkeypatch):
    path = dressed(tmp_path / "a.xlsx")
    monkeypatch.setattr(growth, "around", lambda *about: None)
    refuses(path, full("2345"))


def test_a_rule_that_loses_a_word_is_found(tmp_path, monkeypatch):
    """Though the proof lets its formula follow in the same way, to compare it."""

    def said(workbook, sheet, headers):
        sheet.conditional_format("F4", {"type": "formula", "criteria": "=$I4>other!rate"})

    path, real = book(tmp_path / "a.xlsx", [(one, {}) for one in "123"], after=said), translate.moved
    monkeypatch.setattr(translate, "moved", lambda text, *others: real(text, *others).replace("other!", ""))
    refuses(path, full("23"))


def test_a_table_that_does_not_grow_is_found(tmp_path, monkeypatch):
    path = dressed(tmp_path / "a.xlsx", totals=True)
    monkeypatch.setattr(growth, "table", lambda data, *about: data)
    refuses(path, full("12345"))


def test_totals_of_other_rows_are_found(tmp_path, monkeypatch):
    path = dressed(tmp_path / "a.xlsx", totals=True)
    monkeypatch.setattr(translate.Following, "formula", lambda self, text, row: text.replace("I4", "I99"))
    refuses(path, full("12345"))


def test_a_print_area_of_other_rows_is_found(tmp_path, monkeypatch):
    path = dressed(tmp_path / "a.xlsx")
    monkeypatch.setattr(growth, "_follow_name", lambda piece, shift: re.sub(r"\d+$", "2", piece))
    refuses(path, full("12345"))


def test_a_name_of_a_stranger_is_found(tmp_path, monkeypatch):
    path = dressed(tmp_path / "a.xlsx")
    real = growth.names

    def one_more(elements, edits, *about):
        elements = [*elements]
        real(elements, edits, *about)
        edits.insert(elements[-1].end, b'<definedName name="more">1</definedName>')

    monkeypatch.setattr(growth, "names", one_more)
    refuses(path, full("1234"))


@pytest.mark.parametrize("part", ["comments", "boxes"])
def test_a_comment_that_does_not_follow_its_customer_is_found(tmp_path, monkeypatch, part):
    path = book(tmp_path / "a.xlsx", [(one, {}) for one in "123"], after=comment("A4"))
    monkeypatch.setattr(growth, part, lambda data, *about: data)
    refuses(path, full("34"))


def test_comments_that_change_places_are_found(tmp_path, monkeypatch):
    def two(workbook, sheet, headers):
        sheet.write_comment("A4", "pays")
        sheet.write_comment("A5", "owes")

    path = book(tmp_path / "a.xlsx", [(one, {}) for one in "1234"], after=two)
    real = growth.comments

    def exchanged(*about):
        return re.sub(rb'"A([23])"', lambda found: b'"A3"' if found[1] == b"2" else b'"A2"', real(*about))

    monkeypatch.setattr(growth, "comments", exchanged)
    refuses(path, full("34"))


def test_a_row_that_is_dropped_so_that_another_gets_its_comment_is_found(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx", [(one, {}) for one in "123"], after=comment("A2", "owes"))
    monkeypatch.setattr(slots.Typed, "holds", lambda *about: False)
    refuses(path, full("23"))


def test_a_chart_that_is_no_longer_one_is_found(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx", [("1", {})])
    fill(path, frame(segment=["a"], customers=[1.0]), table=BOARD)
    monkeypatch.setattr(drawn, "_points", lambda *about, **how: b"<broken")
    refuses(path, frame(segment=["b"], customers=[2.0]), BOARD)


def refuses_to_add(path):
    """Adding a sheet is refused by the proof."""
    refuses(path, frame(stage=["x"]), CLEANING)


def test_an_added_table_with_the_id_of_another_is_found(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx", [("1", {})])
    monkeypatch.setattr(adding._Adder, "_known_tables", lambda self: (set(), set()))
    refuses_to_add(path)


def test_an_added_sheet_with_the_id_of_another_is_found(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx", [("1", {})])
    real = Edited._add

    def same(self, table):
        real(self, table)
        part = self._index.workbook_part
        self.draft.set(part, first(rb'sheetId="2"', b'sheetId="1"')(self.draft.read(part)))
        self._index = Index(self.draft)
        return self._index.sheets[-1]

    monkeypatch.setattr(Edited, "_add", same)
    refuses_to_add(path)


def test_lists_of_styles_in_another_order_are_found(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx", [("1", {})])
    monkeypatch.setattr(adopt, "_ORDER", (*adopt._ORDER[1:6], "numFmts", "cellStyles", "dxfs"))
    refuses_to_add(path)


def test_an_added_sheet_that_lacks_something_of_ours_is_found(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx", [("1", {})])
    real = adding._Adder._sheet
    monkeypatch.setattr(adding._Adder, "_sheet", lambda self, data: first(rb"<cols>.*?</cols>", b"")(real(self, data)))
    refuses_to_add(path)


def test_a_style_of_ours_that_looks_otherwise_than_the_one_it_is_made_from_is_found(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx")
    real = styles._with
    monkeypatch.setattr(styles, "_with", lambda *about: re.sub(rb'fillId="\d+"', b'fillId="0"', real(*about)))
    refuses(path, full("1", segment=["=1+1"]))


RESULTS = {
    "another result": lambda real, sheet, make: real(sheet, make).replace(b"<v>2</v>", b"<v>9</v>"),
    "a result that is not old gone": lambda real, sheet, make: re.sub(rb"<v>[^<]*</v>", b"", real(sheet, make)),
    "an old result still there": lambda real, sheet, make: real(sheet, dict([*make.items()][1:])),
}


@pytest.mark.parametrize("name", RESULTS)
def test_what_else_becomes_of_results_than_was_asked_for_is_found(tmp_path, monkeypatch, name):
    def reads(workbook):
        sheet = workbook.add_worksheet("other")
        sheet.write_formula("A1", f"=SUM({RFM.sheet['zh']}!I2:I9)", None, 5)
        sheet.write_formula("A2", "=1+1", None, 2)
        sheet.write_formula("A3", "=A1+1", None, 6)

    path = book(tmp_path / "a.xlsx", [("1", {})], before=reads)
    monkeypatch.setattr(results, "rewritten", partial(RESULTS[name], results.rewritten))
    refuses(path, full("1"), drop_stale=True)


def test_an_old_result_that_nobody_took_out_is_found(tmp_path, monkeypatch):
    def reads(workbook):
        workbook.add_worksheet("other").write_formula("A1", f"=SUM({RFM.sheet['zh']}!I2:I9)", None, 5)

    path = book(tmp_path / "a.xlsx", [("1", {})], before=reads)
    monkeypatch.setattr(results, "rewritten", lambda sheet, make: sheet.data)
    refuses(path, full("1"), drop_stale=True)


def test_a_wrong_checksum_of_a_part_that_stays_is_found(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx", [("1", {})])

    def spoilt(source, changes, out):
        made = io.BytesIO()
        write(source, changes, made)
        data = bytearray(made.getvalue())
        record = data.rindex(b"docProps/app.xml") - 46
        data[record + 16] ^= 1
        out.write(data)

    monkeypatch.setattr("segmenter.books.file.write", spoilt)
    refuses(path, full("12"))


@pytest.mark.parametrize("follow", ["follow", "follow_cell"])
def test_what_does_not_follow_though_its_writer_says_so_is_found(tmp_path, monkeypatch, follow):
    monkeypatch.setattr(growth, follow, lambda ranges, shift: "")
    refuses(dressed(tmp_path / "a.xlsx"), full("1245"))


def test_a_print_area_that_stays_where_it_was_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(growth, "names", lambda *about: None)
    path = dressed(tmp_path / "a.xlsx")
    fill(path, full("123"))  # so that nothing else of the workbook changes the next time
    refuses(path, full("1234567"))
