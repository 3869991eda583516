"""Columns at once and cell by cell give the same bytes."""

import math
import re
from functools import partial

import numpy as np
import pytest
from bookshop import RFM_SHEET, book, parts, repairs, rewritten, rfm, saved_by_excel, sheet_part, values
from fills import miswrite, violations
from hypothesis import event, given, settings
from hypothesis import strategies as st

from segmenter.books import cells, columns, decimals, encoders, longlist, longrows, package
from segmenter.books.file import FileBook
from segmenter.errors import Refused
from segmenter.phrases import Phrases
from segmenter.schema import RFM

WORDS = st.lists(st.sampled_from(["why ", "a<b", "& ", "c_", "x0041_", "  ", "", "=", "\u3000", "█", "é"]), min_size=1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    return book(tmp_path_factory.mktemp("columns") / "empty.xlsx", extra=["mine"])


def at_once(target):
    """Whether a sheet of a book is made of whole columns."""
    return any(callable(content) for content in target._edited.draft.changes.values())


def written(empty, frame, start, monkeypatch):
    out = empty.with_name(f"{start}.xlsx")
    monkeypatch.setattr(longlist, "FROM", start)
    with FileBook(empty, out) as target:
        target.write(RFM, frame)
        assert at_once(target) == (start == 1)
    return out


def both(empty, frame):
    with pytest.MonkeyPatch.context() as patch:
        at_once, one_by_one = (written(empty, frame, start, patch) for start in (1, 1 << 30))
    part = sheet_part(at_once, RFM_SHEET)
    assert parts(at_once)[part] == parts(one_by_one)[part]
    assert not repairs(at_once)
    return at_once


def phrases(some, *words):
    """A column put together from `words`."""
    codes = [np.array(some(st.integers(0, len(each) - 1))) for each in words]
    return Phrases(codes, [np.array(each, dtype=object) for each in words])


@settings(max_examples=25, deadline=None)
@given(
    st.data(), st.integers(1, 30), st.sampled_from([(0, 3), (0, longrows._STRETCH), (columns.FEW, longrows._STRETCH)])
)
def test_any_values(empty, data, height, limits):
    def some(values):
        return data.draw(st.lists(values, min_size=height, max_size=height))

    frame = rfm(
        range(height),
        segment=some(TEXTS),
        r_text=some(st.sampled_from(["a", "=b", " c", "<", None, math.nan, "_x0041_", "d  d", "█", "\u3000e"])),
        f_text=some(st.none()),
        m_text=some(st.sampled_from([1.0, -0.0, 0.0, None, math.nan])),
        rfm_text=some(st.integers(0, 5) | st.none()),
        monetary=some(st.floats(allow_infinity=False)),
        frequency=some(st.sampled_from([0.0, -0.0, 1.0, 2.5, math.nan])),
        recency_days=np.array(some(st.integers(0, 5)), dtype=np.int64),
        class_name=phrases(some, ["a", "=b", ""]),
        reason=phrases(some, *data.draw(st.lists(WORDS, min_size=2, max_size=3))),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "FEW", limits[0])
        patch.setattr(longrows, "_STRETCH", limits[1])
        both(empty, frame)


def test_more_than_one_stretch_and_number_of_digits(empty, monkeypatch):
    monkeypatch.setattr(columns, "FEW", 0)
    monkeypatch.setattr(longrows, "_STRETCH", 700)
    count = 2_000
    kinds = [f"kind {n % 7}" if n % 11 else None for n in range(count)]
    reasons = [f"why {n} & more" if n % 100 == 0 else f"why {n}" for n in range(count)]
    both(empty, rfm(range(count), segment=kinds, reason=reasons))


@pytest.mark.parametrize("prefix", ["", "x:", "spreadsheet:"])
def test_rows_that_are_laid_down_are_those_that_are_made_one_by_one(monkeypatch, prefix):
    texts = np.array([f"kind {n}" for n in range(120)], dtype=object)
    numbers = np.array([n / 4 if n % 3 else math.nan for n in range(120)])
    made = [
        columns.column(place, values, partial(cells.encode, where=f"{letter}1", style=0, prefix=prefix))
        for place, letter, values in ((0, "A", texts), (1, "B", numbers), (2, "C", texts))
    ]
    rows = longrows.Rows(5, 120, b"", tuple(made), prefix)
    one_by_one = b"".join(rows.stretches())
    monkeypatch.setattr(columns, "FEW", 0)
    assert b"".join(rows.stretches()) == one_by_one


def test_what_stands_in_the_file_is_checked(empty, monkeypatch):
    real = package.write

    def spoil(source, changes, out):
        real(source, changes, out)
        middle = out.tell() // 2
        out.seek(middle)
        assert out.read(4) != b"\0\0\0\0"
        out.seek(middle)
        out.write(b"\0\0\0\0")
        out.seek(0, 2)

    monkeypatch.setattr("segmenter.books.file.write", spoil)
    with pytest.raises(Refused) as found, FileBook(empty, empty.with_name("x.xlsx")) as target:
        target.write(RFM, rfm(range(5000)))
    assert found.value.key == "proof"
    assert sheet_part(empty, RFM_SHEET) in found.value.message("en")
    assert not empty.with_name("x.xlsx").exists()


def changed(old, new):
    """What is made of whole columns, with some bytes of the sheet changed."""

    def change(source, made):
        part = next(name for name, content in made.items() if callable(content))
        text = b"".join(made[part]())
        assert old in text
        return {part: lambda: [text.replace(old, new, 1)]}

    return change


@pytest.mark.parametrize("few", [0, columns.FEW])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<t>kind 3</t>", b"<t>kind 4</t>"),
        (b"<t>kind 7</t>", b"<t></t>"),
        (b"<v>4.5</v>", b"<v>4.6</v>"),
        (b"<v>4.5</v>", b"<v>0</v>"),
        (b'<c r="F6"', b'<c r="G6"'),
        (b'<row r="6"', b'<row r="7"'),
        (b'<c r="O3" s="1"/>', b'<c r="O3" s="1"><v>1</v></c>'),
        (b'<c r="I5" s="1"><v>', b'<c r="I5" s="1"><f>1</f><v>'),
        (b"</row></sheetData>", b"</row> </sheetData>"),
        (b'<sheetData><row r="1"', b'<sheetData ><row r="1"'),
    ],
)
def test_every_cell_is_read_again(empty, monkeypatch, old, new, few):
    monkeypatch.setattr(columns, "FEW", few)
    monkeypatch.setattr(longlist, "FROM", 1)
    miswrite(monkeypatch, changed(old, new))
    out = empty.with_name("y.xlsx")
    with pytest.raises(Refused) as refused, FileBook(empty, out) as target:
        target.write(RFM, rfm(range(10)))
    assert refused.value.key == "proof"
    assert not out.exists()


@pytest.mark.parametrize("few", [0, columns.FEW])
@pytest.mark.parametrize("encoder", ["plain", "digits"])
def test_a_value_that_was_encoded_wrongly_is_found(empty, monkeypatch, encoder, few):
    monkeypatch.setattr(columns, "FEW", few)
    right = getattr(encoders, encoder)

    def wrong(values):
        found = encoders.matrix(right(values)).copy()
        found[0, 0] = ord("8")
        return found

    monkeypatch.setattr(longlist, "FROM", 1)
    monkeypatch.setattr(encoders, encoder, wrong)
    frame = rfm(range(10), monetary=[n + 0.25 for n in range(10)])
    out = empty.with_name("z.xlsx")
    with pytest.raises(Refused, match=r"[A-Z]+2\b") as refused, FileBook(empty, out) as target:
        target.write(RFM, frame)
    assert refused.value.key == "proof"
    assert not out.exists()


IDS = st.lists(st.sampled_from([*"abcdefgh", "=x"]), min_size=1, max_size=10)


@settings(max_examples=60, deadline=None)
@given(IDS, IDS, st.booleans())
def test_writing_again(tmp_path_factory, before, after, other):
    folder = tmp_path_factory.mktemp("again")
    found = []
    for start in (1, 1 << 30):
        path = book(folder / f"{start}.xlsx")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(longlist, "FROM", start)
            with FileBook(path) as target:
                target.write(RFM, rfm(before))
            patch.setattr(longlist, "_PIECE", 0)
            with FileBook(path) as target:
                target.write(RFM, rfm(after, segment=["<b>" if other else "=1"] * len(after)))
        assert not repairs(path)
        found.append(parts(path))
    assert found[0] == found[1]


@pytest.mark.parametrize("change", ["note", "style", "formula", "comment", "height"])
def test_a_sheet_people_worked_in_is_written_row_by_row(tmp_path, monkeypatch, change):
    path = book(tmp_path / "a.xlsx", extra=["note"])
    monkeypatch.setattr(longlist, "FROM", 1)
    with FileBook(path) as target:
        target.write(RFM, rfm(["a", "b", "c"]))
    changes = {
        "note": (b'<c r="O3" s="1"/>', b'<c r="O3" s="1"><v>7</v></c>'),
        "style": (b'<c r="A3" s="1"', b'<c r="A3" s="0"'),
        "formula": (b'<c r="I3" s="1"><v>1.5</v>', b'<c r="I3" s="1"><f>1+1</f><v>1.5</v>'),
        "height": (b'<row r="3"', b'<row r="3" ht="40"'),
        "comment": (b"", b""),
    }
    rewritten(path, {sheet_part(path, RFM_SHEET): lambda data: data.replace(*changes[change], 1)})
    monkeypatch.setattr(longlist, "_PIECE", 0)
    with FileBook(path) as target:
        if change == "comment":
            monkeypatch.setattr(target._edited, "_notes", lambda _: frozenset({(2, 0)}))
        target.write(RFM, rfm(["c", "a"]))
        assert not at_once(target)
    assert not repairs(path)


OWN = {
    "text": 's="{style}" t="inlineStr"><is><t>owes {n}</t></is></c>',
    "number": 's="{style}"><v>{n}.5</v></c>',
    "string": 't="s"><v>0</v></c>',
    "truth": 's="{style}" t="b"><v>1</v></c>',
    "colour": 's="0"/>',
    "escape": 't="inlineStr"><is><t xml:space="preserve"> &lt;{n}&gt; </t></is></c>',
}
REMARKS = st.dictionaries(st.tuples(st.sampled_from("OP"), st.integers(0, 9)), st.sampled_from([*OWN]))


@settings(max_examples=100, deadline=None)
@given(IDS, IDS, REMARKS, st.sets(st.integers(0, 9), max_size=2))
def test_what_is_others_stays_with_its_customer(tmp_path_factory, before, after, remarks, notes):
    folder = tmp_path_factory.mktemp("own")
    found = []

    def typed(data):
        for (column, place), kind in remarks.items():
            cell = re.search(rb'<c r="%s%d" s="(\d+)"/>' % (column.encode(), place + 2), data)
            if cell:
                rest = OWN[kind].format(style=cell[1].decode(), n=place)
                new = f'<c r="{column}{place + 2}" {rest}'.encode()
                data = data.replace(cell[0], new)
        return data

    def noted(workbook, sheet, headers):
        for row in notes:
            sheet.write_comment(row + 1, 0, f"note {row}")

    for start in (1, 1 << 30):
        path = book(folder / f"{start}.xlsx", extra=["mine", "more"], after=noted)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(longlist, "FROM", start)
            with FileBook(path) as target:
                target.write(RFM, rfm(before))
            rewritten(path, {sheet_part(path, RFM_SHEET): typed})
            patch.setattr(longlist, "_PIECE", 0)
            with FileBook(path) as target:
                target.write(RFM, rfm(after, segment=["new"] * len(after)))
                event(f"at once: {at_once(target)}, of others: {bool(remarks)}, notes: {bool(notes)}")
        assert not repairs(path)
        found.append(parts(path))
    assert found[0] == found[1]


@pytest.mark.parametrize("formatted", [False, True])
def test_a_sheet_excel_has_saved(tmp_path, monkeypatch, formatted):
    """It is written at once, if no text in it has formats of its own: they stay, where the text does."""
    path = book(tmp_path / "a.xlsx")
    monkeypatch.setattr(longlist, "FROM", 1)
    with FileBook(path) as target:
        target.write(RFM, rfm(["a", "b", "c"]))
    saved_by_excel(path)
    if formatted:
        bold = {"xl/sharedStrings.xml": lambda data: data.replace(b"<si><t>kind b</t>", b"<si>" + BOLD)}
        rewritten(path, bold)
    monkeypatch.setattr(longlist, "_PIECE", 0)
    with FileBook(path) as target:
        target.write(RFM, rfm(["c", "b", "d"]))
        assert at_once(target) != formatted
    assert not repairs(path)
    grid = FileBook(path).read(RFM)
    assert [row[0] for row in grid.rows[1:]] == ["b", "c", "d"]
    assert [row[5] for row in grid.rows[1:]] == ["kind b", "kind c", "kind d"]
    sheet = parts(path)[sheet_part(path, RFM_SHEET)]
    assert (b't="s"' in sheet.partition(b'<row r="2"')[2]) == formatted


def test_rows_that_are_hidden_stay_so(tmp_path, monkeypatch):
    """What says nothing is no reason to write row by row, what hides a row is one."""
    path = book(tmp_path / "a.xlsx")
    monkeypatch.setattr(longlist, "FROM", 1)
    with FileBook(path) as target:
        target.write(RFM, rfm("abc"))
    monkeypatch.setattr(longlist, "_PIECE", 0)
    for said, hides in ((b'hidden="0" collapsed="0" outlineLevel="0"', False), (b'hidden="1"', True)):
        part = sheet_part(path, RFM_SHEET)
        rewritten(path, {part: lambda data, said=said: re.sub(rb'<row r="3"[^>]*>', b'<row r="3" %s>' % said, data)})
        with FileBook(path) as target:
            target.write(RFM, rfm("cb", segment=["new", "new"]))
            assert at_once(target) != hides
        assert (b'hidden="1"' in parts(path)[part]) == hides


def test_a_protected_sheet_in_which_nothing_changes(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx", after=lambda workbook, sheet, headers: sheet.protect())
    with FileBook(path, override_protection=True) as target:
        target.write(RFM, rfm("abc"))
    monkeypatch.setattr(longlist, "FROM", 1)
    monkeypatch.setattr(longlist, "_PIECE", 0)
    before = parts(path)
    with FileBook(path) as target:
        target.write(RFM, rfm("abc"))
    assert parts(path) == before


@pytest.mark.parametrize("rows", ["all", "the first alone"])
def test_the_look_of_one_cell_is_no_column_s(tmp_path, monkeypatch, rows):
    found = []
    for start in (1, 1 << 30):
        path = book(tmp_path / f"{start}.xlsx", extra=["mine"])
        with monkeypatch.context() as patch:
            patch.setattr(longlist, "FROM", start)
            with FileBook(path) as target:
                target.write(RFM, rfm("abc"))

            def coloured(data):
                data = re.sub(rb'<c r="O2" s="1"/>', b'<c r="O2" s="1"><v>7</v></c>', data)
                return data if rows == "all" else re.sub(rb'<c r="O[345]" s="1"/>', b"", data)

            rewritten(path, {sheet_part(path, RFM_SHEET): coloured})
            patch.setattr(longlist, "_PIECE", 0)
            with FileBook(path) as target:
                target.write(RFM, rfm("acd"))
        found.append(parts(path))
    assert found[0] == found[1]


@pytest.mark.parametrize("beside", ["a note", "a link", "a rule"])
def test_a_header_beside_the_table_takes_its_column_along(tmp_path, monkeypatch, beside):
    found = []
    for start in (1, 1 << 30):

        def after(workbook, sheet, headers):
            column = len(headers)
            sheet.write(0, column, "beside")
            if beside == "a note":
                sheet.write_comment(4, column, "about c")
            elif beside == "a link":
                sheet.write_url(4, column, "internal:A1", string="")
            elif beside == "a rule":
                sheet.conditional_format(4, column, 4, column, {"type": "no_blanks", "format": workbook.add_format()})

        path = book(tmp_path / f"{start}.xlsx", [(one, {}) for one in "abcd"], extra=["mine"], after=after)
        with monkeypatch.context() as patch:
            patch.setattr(longlist, "FROM", start)
            patch.setattr(longlist, "_PIECE", 0)
            with FileBook(path) as target:
                target.write(RFM, rfm("abcd"))
            with FileBook(path) as target:
                target.write(RFM, rfm("acd"))
                assert not at_once(target)
        found.append(parts(path))
    assert found[0] == found[1]


def test_row_numbers_with_zeros_before_them(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx", extra=["mine"])
    monkeypatch.setattr(longlist, "FROM", 1)
    with FileBook(path) as target:
        target.write(RFM, rfm("abc"))

    def padded(data):
        row = re.search(rb'<row r="3".*?</row>', data)[0]
        new = re.sub(rb'r="([A-Z]*)3"', rb'r="\g<1>03"', row).replace(
            b'<c r="O03" s="1"/>', b'<c r="O03" s="1"><v>77</v></c>'
        )
        return data.replace(row, new)

    rewritten(path, {sheet_part(path, RFM_SHEET): padded})
    monkeypatch.setattr(longlist, "_PIECE", 0)
    with FileBook(path) as target:
        target.write(RFM, rfm("abc"))
    assert not repairs(path)
    assert FileBook(path).read(RFM).rows[2][14] == 77


def filled_twice(folder, change, first="abcd", again="acd"):
    """What became of a sheet that was filled and filled again, at once and row by row; `change`: of its XML between."""
    found = []
    for start in (1, 1 << 30):
        path = book(folder / f"{start}.xlsx", extra=["mine", "more"])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(longlist, "FROM", start)
            with FileBook(path) as target:
                target.write(RFM, rfm(first, reason=[None] * len(first)))
            patch.setattr(longlist, "_PIECE", 0)
            rewritten(path, {sheet_part(path, RFM_SHEET): change})
            before = path.with_stem(f"before{start}")
            before.write_bytes(path.read_bytes())
            try:
                with FileBook(path) as target:
                    target.write(RFM, rfm(again, reason=[None] * len(again)))
            except Refused as refused:
                found.append(refused.key)
                continue
        assert not repairs(path)
        assert not violations(before, path)
        found.append(parts(path))
    return found


@pytest.mark.parametrize("again", ["abcd", "acd"])
def test_a_cell_of_ours_that_somebody_took_away_does_not_come_back(tmp_path, again):
    one, other = filled_twice(tmp_path, lambda data: data.replace(b'<c r="N4" s="1"/>', b"", 1), again=again)
    assert one == other


@pytest.mark.parametrize("column", "NO")
def test_what_a_cell_says_besides_its_look_stays(tmp_path, column):
    cell = f'<c r="{column}4" s="1"'.encode()
    one, other = filled_twice(tmp_path, lambda data: data.replace(cell, cell + b' ph="1"', 1))
    assert one == other
    sheet = next(data for name, data in one.items() if name.endswith("sheet1.xml"))
    assert f'<c r="{column}3" s="1" ph="1"/>'.encode() in sheet


@pytest.mark.parametrize("again", ["abcd", "acd"])
@pytest.mark.parametrize("cell", [b"", b'<c r="O4" s="1" t="b"><v>1</v></c>'])
@pytest.mark.parametrize("styled", [True, False])
def test_cells_that_people_merged_are_refused_when_rows_move(tmp_path, again, cell, styled):
    def merged(data):
        data = data if styled else re.sub(rb'<c r="[OP]\d" s="1"/>', b"", data)
        data = re.sub(rb'<c r="O4" s="1"/>', cell, data) if cell else data
        return data.replace(b"<pageMargins", b'<mergeCells count="1"><mergeCell ref="O4:P4"/></mergeCells><pageMargins')

    one, other = filled_twice(tmp_path, merged, again=again)
    assert one == other
    assert (one == "table_merged") == (again != "abcd")


def test_a_remark_in_the_xml_that_looks_like_rows(tmp_path):
    def remark(data):
        return data.replace(b"</sheetData>", b'</sheetData><!-- <row r="9"></row></sheetData> -->')

    one, other = filled_twice(tmp_path, remark)
    assert one == other
    one, other = filled_twice(tmp_path, remark, again="abcd")
    assert one == other


def test_what_is_said_of_blank_rows_goes_with_them(tmp_path):
    def said(workbook, sheet, headers):
        sheet.data_validation("O4", {"validate": "integer", "criteria": ">", "value": 0})
        sheet.conditional_format("O5", {"type": "no_blanks"})

    def taller(data):
        rows = b"".join(b'<row r="%d"><c r="A%d" s="1"/></row>' % (n, n) for n in range(3, 7))
        return data.replace(b"</row></sheetData>", b"</row>" + rows + b"</sheetData>")

    found = []
    for start in (1, 1 << 30):
        path = book(tmp_path / f"{start}.xlsx", extra=["mine"], after=said)
        rewritten(
            path, {sheet_part(path, RFM_SHEET): taller, "xl/tables/table1.xml": lambda d: d.replace(b"O2", b"O6")}
        )
        before = path.with_stem(f"before{start}")
        before.write_bytes(path.read_bytes())
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(longlist, "FROM", start)
            with FileBook(path) as target:
                target.write(RFM, rfm("abcdef"))
                assert at_once(target) == (start == 1)
        assert not repairs(path)
        assert not violations(before, path)
        found.append(parts(path))
    assert found[0] == found[1]


def test_blank_rows_without_numbers(tmp_path, monkeypatch):
    def unnumbered(data):
        return data.replace(b'<row r="2"', b"<row/><row").replace(b'2" s="1"', b'3" s="1"')

    path = book(tmp_path / "a.xlsx", table=False)
    rewritten(path, {sheet_part(path, RFM_SHEET): unnumbered})
    monkeypatch.setattr(longlist, "FROM", 1)
    with FileBook(path) as target:
        target.write(RFM, rfm("abcdef"))
    assert not repairs(path)


BOLD = b"<r><rPr><b/></rPr><t>kin</t></r><r><t>d b</t></r>"


@given(st.lists(st.floats(allow_infinity=False) | st.decimals(-(10**6), 10**6, places=2).map(float), min_size=1))
def test_decimals(values):
    shown, rest = decimals.shown(np.array(values, dtype=float))
    found = shown.view(f"S{shown.shape[1]}").ravel().tolist()
    expected = [cells.number(value).encode() for value in values]
    others = set(rest.tolist())
    assert [one for n, one in enumerate(found) if n not in others] == [
        one for n, one in enumerate(expected) if n not in others
    ]
    assert all(round(values[n], 2) != values[n] or abs(values[n]) >= 1e13 or not values[n] for n in others)


def test_a_remark_under_the_id_of_a_customer_is_told_alike(tmp_path, monkeypatch):
    """Of two rows with an ID, the one that is ours is written anew, also where the remark stands above."""
    rows = [("1", {1: "call", 2: None, 5: None}), *((n, {}) for n in "123")]
    path = book(tmp_path / "a.xlsx", rows)
    monkeypatch.setattr(longlist, "FROM", 1)
    found = []
    for piece in (0, 1 << 22):
        monkeypatch.setattr(longlist, "_PIECE", piece)
        out = tmp_path / f"{piece}.xlsx"
        with FileBook(path, out) as target:
            target.write(RFM, rfm("123"))
        assert violations(path, out) == []
        found.append(parts(out)[sheet_part(out, RFM_SHEET)])
        assert (values(out)[2, 2], values(out)[3, 6]) == ("call", "kind 1")
    assert found[0] == found[1]
