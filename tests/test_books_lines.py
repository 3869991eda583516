"""Lists without keys, such as the cleaning log: what people type beside a line stays with that line."""

import openpyxl
import pytest
from bookshop import book, frame
from fills import fill, log, refuses, violations
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmenter.books import slots
from segmenter.books.slots import Slot
from segmenter.cells import address
from segmenter.schema import CLEANING, table

SHEET = CLEANING.sheet["zh"]
WIDTH = len(CLEANING.fields)


def lines(*names):
    """A frame for the log, one line for each name, which stands in its cell."""
    found = {field.key: [f"{field.key} {one}" for one in names] for field in CLEANING.fields}
    messages = [f"{n} of {len(names)}" for n in range(len(names))]
    return frame(**{**found, "stage": ["分析"] * len(names), "message": messages})


def remark(path, remarks, formula=False):
    """Type something beside some lines: what, by name of the line."""
    opened = openpyxl.load_workbook(path)
    sheet = opened[SHEET]
    for row in sheet.iter_rows(min_row=2, max_col=WIDTH + 1):
        name = str(row[3].value).removeprefix("cell ")
        if name in remarks:
            row[WIDTH].value = remarks[name]
        if formula:
            sheet.cell(row[0].row, WIDTH + 2).value = f"=LEN(D{row[0].row})"
    opened.save(path)


def seen(path):
    """The names of the lines with what stands beside each."""
    rows = openpyxl.load_workbook(path)[SHEET].iter_rows(min_row=2, values_only=True, max_col=WIDTH + 1)
    return [(str(row[3]).removeprefix("cell "), row[WIDTH]) for row in rows if any(cell is not None for cell in row)]


CHANGES = {
    "one before it is gone": ("abc", {"b": "x"}, "bc", ["c", "b*"]),
    "it is gone": ("abc", {"b": "x"}, "ac", ["a", "b*", "c"]),
    "the last is gone, others come": ("abc", {"c": "x"}, "abde", ["a", "b", "c*", "d", "e"]),
    "all are gone": ("abc", {"a": "x", "c": "y"}, "", ["a*", "c*"]),
    "it comes back elsewhere": ("abc", {"a": "x"}, "cba", ["a*", "c", "b"]),
    "nobody typed anything": ("abcd", {}, "dc", ["d", "c"]),
    "two lines say the same": ("aab", {"a": "x"}, "ba", ["a*", "a*", "b"]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_remark_stays_with_its_line(tmp_path, name):
    before, remarks, after, expected = CHANGES[name]
    path = book(tmp_path / "a.xlsx", [("1", {})])
    fill(path, lines(*before), table=CLEANING)
    remark(path, remarks)
    out = tmp_path / "b.xlsx"
    fill(path, lines(*after), out, CLEANING)
    assert [name + ("*" if beside else "") for name, beside in seen(out)] == expected
    assert violations(path, out) == []
    once = out.read_bytes()
    fill(out, lines(*after), table=CLEANING)
    assert out.read_bytes() == once


def test_a_log_of_which_somebody_emptied_a_line_is_written_over_down_to_its_end(tmp_path):
    path = tmp_path / "a.xlsx"
    book(path, [("1", {})])
    fill(path, log(6), table=CLEANING)
    opened = openpyxl.load_workbook(path)
    sheet = opened[SHEET]
    del sheet.tables[CLEANING.list_object]
    for cell in sheet[4]:
        cell.value = None
    opened.save(path)
    fill(path, log(2), table=CLEANING)
    assert {row[5] for row in openpyxl.load_workbook(path)[SHEET].iter_rows(min_row=2, values_only=True)} <= {
        None,
        "message0",
        "message1",
    }


def test_a_line_typed_as_the_first_hides_no_note_further_down(tmp_path):
    """Where the list grows near the note: behind one empty row it is none of its lines, whatever comes first."""
    path, out = book(tmp_path / "a.xlsx", [("1", {})]), tmp_path / "b.xlsx"
    fill(path, log(2), table=CLEANING)
    opened = openpyxl.load_workbook(path)
    sheet = opened[SHEET]
    del sheet.tables[CLEANING.list_object]
    sheet.insert_rows(2)
    sheet["F2"] = "typed"
    for column in "BCDE":
        sheet[f"{column}7"] = "note"
    opened.save(path)
    for _ in range(2):
        fill(path, log(3), out, CLEANING)
        assert violations(path, out) == []
        found = [row[1:6] for row in openpyxl.load_workbook(out)[SHEET].iter_rows(min_row=2, values_only=True)]
        assert (found[0][4], found[5][:4]) == ("typed", ("note",) * 4)
        path = out


NAMES = st.lists(st.sampled_from("abcdefgh"), max_size=8)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(st.lists(st.tuples(NAMES, st.sets(st.sampled_from("abcdefgh"), max_size=3)), min_size=2, max_size=3), st.data())
def test_whatever_comes_and_goes(tmp_path_factory, runs, data):
    path = book(tmp_path_factory.mktemp("lines") / "a.xlsx", [("1", {})])
    out, formula = path.with_name("b.xlsx"), data.draw(st.booleans())
    fill(path, lines(*runs[0][0]), table=CLEANING)
    for names, remarks in runs:
        remark(path, {one: f"about {one}" for one in remarks}, formula)
        stood = seen(path)
        out.unlink(missing_ok=True)
        fill(path, lines(*names), out, CLEANING)
        assert violations(path, out) == []
        found = seen(out)
        typed = [one for one in stood if one[1]]
        assert [one for one in found if one[1]] == typed, "every remark beside its line, in their order"
        noted = [one for one, _ in typed]
        free = [one for one in names if one not in noted]
        assert [one for one, beside in found if not beside and one not in noted] == free
        assert all(max(names.count(one), noted.count(one)) <= [n for n, _ in found].count(one) for one in noted)
        path.write_bytes(out.read_bytes())
        fill(out, lines(*names), table=CLEANING)
        assert out.read_bytes() == path.read_bytes()


def test_the_proof_finds_a_remark_that_stands_beside_another_line(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx", [("1", {})])
    fill(path, log(3), table=CLEANING)
    remark(path, {"cell1": "x"})
    real = slots.lines
    monkeypatch.setattr(slots, "lines", lambda *about: [Slot(one.source, 2 - one.place) for one in real(*about)])
    fill(path, log(3), tmp_path / "b.xlsx", CLEANING)  # the one in the middle is where it was
    monkeypatch.setattr(slots, "lines", lambda *about: [Slot(1, 1), Slot(2, 2), Slot(3, 0)])
    refuses(path, log(3), CLEANING)


def test_verify_finds_a_remark_that_stands_beside_another_line(tmp_path):
    path = book(tmp_path / "a.xlsx", [("1", {})])
    fill(path, log(3), table=CLEANING)
    remark(path, {"cell1": "x"})
    opened = openpyxl.load_workbook(path)
    out = tmp_path / "b.xlsx"
    fill(path, log(3), out, CLEANING)
    assert violations(path, out) == []
    opened[SHEET][address(2, 3)].value = "another"
    opened.save(path)
    assert violations(path, out) != []


def test_lines_are_told_apart_by_fields_they_have():
    for one in map(table, ("cleaning", "cross", "proposals", "personas", "clusters")):
        assert not one.key_field and {*one.same} <= {*one.keys}
