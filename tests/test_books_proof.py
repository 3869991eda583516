"""The proof that a sheet of ours holds exactly the rows that were meant: whatever else stands there is found."""

import re
from datetime import date

import numpy as np
import pytest
from bookshop import book, frame, parts, rewritten, rfm, saved_by_excel, sheet_part
from fills import BOARD, NOTE, dressed, fill, first, full, log, miswrite, refuses, spoil, violations

from segmenter.books import Formula, cells, columns, encoders, filling, lists, longlist, slots
from segmenter.books.edited import Edited
from segmenter.books.sheetxml import Sheet
from segmenter.books.styles import Styles
from segmenter.books.writer import Writer
from segmenter.phrases import Phrases
from segmenter.schema import CLEANING, RFM, STRATEGY


@pytest.fixture
def filled(tmp_path):
    """A workbook with three customers, one of them with a note, their rows of different heights."""

    def looks(workbook, sheet, headers):
        sheet.set_row(2, 30)
        for n in (1, 2, 3):
            sheet.write_blank(n, 12, None, workbook.add_format({"bold": True}))
        sheet.write("T1", "beside")
        sheet.write("T3", 5)

    rows = [("1", {NOTE: 77}), ("2", {}), ("3", {NOTE: 78})]
    path = book(tmp_path / "a.xlsx", rows, extra=["note"], after=looks)
    fill(path, rfm("123"))
    return path


ANEW = rfm("3124")
"""the three customers in another order, and one more"""
CHANGES = {
    "a row far below": first(rb"</sheetData>", rb'<row r="900000"><c r="A900000"><v>1</v></c></row></sheetData>'),
    "an empty row far below": first(rb"</sheetData>", rb'<row r="900000"/></sheetData>'),
    "a row hidden": first(rb'<row r="3"', rb'<row r="3" hidden="1"'),
    "a new row hidden": first(rb'<row r="5"', rb'<row r="5" hidden="1"'),
    "a row of another height": first(rb'ht="30"', rb'ht="31"'),
    "a row above hidden": first(rb'<row r="1"', rb'<row r="1" hidden="1"'),
    "a cell of ours in another style": first(rb'<c r="A3" s="\d+"', rb'<c r="A3" s="0"'),
    "a new cell in another style": first(rb'<c r="A5" s="\d+"', rb'<c r="A5"'),
    "a cell more in our row": first(rb'(<row r="3".*?)</row>', rb'\1<c r="XFD3"><v>1</v></c></row>'),
    "an empty cell more": first(rb'(<row r="3".*?)</row>', rb'\1<c r="XFD3" s="1"/></row>'),
    "a cell more in a row above": first(rb'(<row r="1".*?)</row>', rb'\1<c r="XFD1"><v>1</v></c></row>'),
    "a note in a row of somebody else": first(rb'(<row r="3".*?)(<c r="T3")', rb'\1<c r="O3"><v>1</v></c>\2'),
    "a note changed": first(rb"<v>77</v>", rb"<v>76</v>"),
    "what stands beside changed": first(rb'(<c r="T3"[^>]*><v>)5', rb"\g<1>6"),
}
SPELT_OTHERWISE = {
    "a number": first(rb"<v>(\d+)</v>", rb"<v>\1.0</v>"),
    "a space": first(rb"</sheetData>", rb" </sheetData>"),
    "a comment": first(rb"</row>", rb"<!--x--></row>"),
}


@pytest.mark.parametrize("name", CHANGES | SPELT_OTHERWISE)
def test_what_else_stands_in_the_file_is_found(filled, monkeypatch, name):
    """The file is read again: it holds what was made, byte for byte."""

    part = sheet_part(filled, RFM.sheet["zh"])
    miswrite(monkeypatch, lambda source, made: {part: (CHANGES | SPELT_OTHERWISE)[name](made[part])})
    refuses(filled, ANEW)


@pytest.mark.parametrize("name", CHANGES)
def test_what_else_was_made_is_found(filled, monkeypatch, name):
    """What was made is compared with what was meant: a fault of the writer does not reach the file either."""
    spoil(monkeypatch, CHANGES[name])
    refuses(filled, ANEW)


@pytest.mark.parametrize("name", CHANGES)
def test_what_else_stands_in_another_file_is_found(filled, tmp_path, name):
    """`verify`, which does not know what was to be written."""
    out = tmp_path / "b.xlsx"
    fill(filled, ANEW, out)
    assert not violations(filled, out)
    part = sheet_part(out, RFM.sheet["zh"])
    rewritten(out, {part: CHANGES[name]})
    assert violations(filled, out) == [part]


def without_blanks(compose):
    return lambda self, attributes, number, cells: compose(
        self, attributes, number, {column: raw for column, raw in cells.items() if not raw.endswith(b"/>")}
    )


def without_heights(compose):
    return lambda self, attributes, number, cells: compose(self, b"", number, cells)


def one_more(compose):
    return lambda self, attributes, number, cells: (
        compose(self, attributes, number, cells) + (b'<row r="%d"/>' % (number + 2) if number == 4 else b"")
    )


@pytest.mark.parametrize("fault", [without_blanks, without_heights, one_more])
def test_a_fault_in_composing_rows_is_found(filled, monkeypatch, fault):
    monkeypatch.setattr(Sheet, "compose", fault(Sheet.compose))
    refuses(filled, ANEW)


def test_a_wrong_style_is_found(filled, monkeypatch):
    real = Writer.fit
    monkeypatch.setattr(Writer, "fit", lambda *args: (real(*args)[0], 0))
    refuses(filled, ANEW)


def test_rows_changed_about_are_found(filled, monkeypatch):
    real = Sheet.moved
    monkeypatch.setattr(
        Sheet, "moved", lambda self, cell, row, unshare: real(self, cell, row, unshare=unshare).replace(b"77", b"78")
    )
    refuses(filled, rfm("31"))


def test_a_part_that_was_not_to_be_changed_is_found(filled, monkeypatch):
    """Even where the proof allows changes to who asks for them: a style more that nobody asked for."""

    part, more = "xl/styles.xml", first(rb"(<cellXfs count=\"\d+\">.*?)</cellXfs>", rb'\1<xf numFmtId="0"/></cellXfs>')
    miswrite(monkeypatch, lambda source, made: {part: more(source.read(part))})
    refuses(filled, ANEW)


@pytest.fixture
def board(tmp_path):
    """A workbook with our dashboard, added by us and filled once."""
    path = book(tmp_path / "a.xlsx", [("1", {})])
    fill(path, frame(segment=["a", "b"], customers=[1.0, 2.0]), table=BOARD)
    return path


BOARD_CHANGES = {
    "a row far below": first(rb"</sheetData>", rb'<row r="900000"/></sheetData>'),
    "a row of the block hidden": first(rb'<row r="6"', rb'<row r="6" hidden="1"'),
    "a row below hidden": first(rb'<row r="18"', rb'<row r="18" hidden="1"'),
    "another style": first(rb'<c r="A6" s="\d+"', rb'<c r="A6" s="1"'),
    "a cell in another block": first(rb'(<c r="E6"[^>]*?)/>', rb"\1><v>1</v></c>"),
}


@pytest.mark.parametrize("name", BOARD_CHANGES)
def test_what_else_is_made_of_a_sheet_with_blocks_is_found(board, monkeypatch, name):
    spoil(monkeypatch, BOARD_CHANGES[name])
    refuses(board, frame(segment=["a", "c"], customers=[1.0, 3.0]), BOARD)


@pytest.mark.parametrize("count", [3, longlist.FROM + 3])
@pytest.mark.parametrize("name", ["a row far below", "a row hidden", "a row above hidden"])
def test_what_else_is_made_of_a_sheet_that_was_added_is_found(tmp_path, monkeypatch, name, count):
    path = book(tmp_path / "a.xlsx", [("1", {})])
    spoil(monkeypatch, CHANGES[name])
    refuses(path, frame(sheet=["x"] * count, cell=[f"A{n}" for n in range(count)]), CLEANING)


def hidden(real):
    return lambda *about: real(*about) + b' hidden="1"'


def plain(real):
    return lambda job, region, values, like, *others: real(job, region, values, None, *others)


@pytest.mark.parametrize(("name", "fault"), [("_attributes", hidden), ("_rows", plain)])
def test_a_fault_in_making_whole_columns_is_found(tmp_path, monkeypatch, name, fault):
    """Rows that are made alike look like the first one."""
    path = book(tmp_path / "a.xlsx")
    monkeypatch.setattr(longlist, name, fault(getattr(longlist, name)))
    refuses(path, rfm(range(longlist.FROM)))


def nothing(*about):
    """Instead of what writes."""


def test_a_block_that_is_not_written_is_found(board, monkeypatch):
    monkeypatch.setattr(Edited, "_put", nothing)
    refuses(board, frame(segment=["c"], customers=[3.0]), BOARD)


@pytest.fixture
def two(tmp_path):
    """A workbook with two customers."""
    return book(tmp_path / "a.xlsx", [("1", {}), ("2", {})])


def test_a_list_that_is_not_written_is_found(two, monkeypatch):
    monkeypatch.setattr(Edited, "_put", nothing)
    refuses(two, full("12"))


def test_a_list_of_which_not_all_columns_are_written_is_found(two, monkeypatch):
    real = lists.fill
    monkeypatch.setattr(
        lists, "fill", lambda job, writer: real(job._replace(frame=frame(customer_id=["1", "2"])), writer)
    )
    refuses(two, full("12"))


def test_customers_who_stand_there_twice_are_found(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx", [("1", {NOTE: "x"}), ("2", {NOTE: "y"})], extra=["note"])
    monkeypatch.setattr(slots, "match", lambda *about: {})
    refuses(path, full("12"))


def test_a_row_of_people_that_is_dropped_is_found_though_another_says_the_same(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx", [("1", {NOTE: "VIP"}), ("2", {NOTE: "VIP"}), ("3", {})], extra=["note"])
    monkeypatch.setattr(slots.Typed, "holds", lambda *about: False)
    refuses(path, full("23"))


def test_rows_without_keys_that_change_places_are_found(tmp_path, monkeypatch):
    """What stands beside them would be said of another."""
    path = book(tmp_path / "a.xlsx", [("1", {})])
    fill(path, log(3), table=CLEANING)
    beside = first(rb'(<row r="3".*?)</row>', rb'\1<c r="H3" t="inlineStr"><is><t>about 3</t></is></c></row>')
    rewritten(path, {sheet_part(path, CLEANING.sheet["zh"]): beside})
    real = slots.lines

    def exchanged(*about):
        one, other, *others = real(*about)
        return [one._replace(source=other.source), other._replace(source=one.source), *others]

    monkeypatch.setattr(slots, "lines", exchanged)
    refuses(path, log(3), CLEANING)


def empty(monkeypatch, *keys):
    """Have the writer empty these fields too in rows that stay, not only what was computed."""
    real = lists._Rows.__init__

    def made(self, job, *about):
        real(self, job, *about)
        self._computed |= {job.header.columns[key] for key in keys}

    monkeypatch.setattr(lists._Rows, "__init__", made)


@pytest.mark.parametrize("keys", [["segment"], ["traits"], ["segment", "traits"]], ids="+".join)
def test_what_people_typed_that_is_emptied_is_found(tmp_path, monkeypatch, keys):
    """Strategies: people type nearly all of them, the key as well, also where a frame brings it."""
    path = book(tmp_path / "a.xlsx", [("1", {})])
    typed = {"segment": ["a", "b"], "traits": ["t", "u"], "strategy": ["s", "s"]}
    fill(path, frame(**typed, customers=[1.0, 2.0]), table=STRATEGY)
    empty(monkeypatch, *keys)
    refuses(path, frame(segment=["b"], traits=["u"], customers=[2.0]), STRATEGY)


def test_a_key_that_is_emptied_is_found(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx", [("1", {NOTE: "owes us"}), ("2", {})], extra=["note"])
    empty(monkeypatch, "customer_id")
    refuses(path, full("2"))


def test_a_text_like_a_formula_without_its_mark_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(Styles, "quoted", lambda self, style: style)
    refuses(book(tmp_path / "a.xlsx"), full("1", segment=["=1+1"]))


def test_a_date_that_is_not_shown_as_a_day_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(Styles, "dated", lambda self, style: style)
    refuses(book(tmp_path / "a.xlsx"), full("1", segment=[date(2026, 1, 2)]))


def test_a_formula_of_ours_that_says_something_else_is_found(tmp_path, monkeypatch):
    real = cells.encode
    monkeypatch.setattr(cells, "encode", lambda *about, **how: real(*about, **how).replace(b"A2*2", b"A9*3"))
    refuses(book(tmp_path / "a.xlsx"), full("1", monetary=[Formula("A{row}*2", 2.0)]))


def test_junk_behind_a_formula_is_found(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx", [("1", {NOTE: "=I2*2"})], extra=["double"])
    real = Sheet.uncached
    monkeypatch.setattr(Sheet, "uncached", lambda self, raw: real(self, raw).replace(b"</f>", b"</f>v>"))
    refuses(path, full("12"))


def test_an_array_formula_that_becomes_a_plain_one_is_found(tmp_path, monkeypatch):
    def array(workbook, sheet, headers):
        sheet.write_array_formula("O4:O4", "{=SUM(I4*2)}")

    path = book(tmp_path / "a.xlsx", [(one, {}) for one in "123"], extra=["sum"], table=False, after=array)
    real = Sheet._formula
    monkeypatch.setattr(Sheet, "_formula", lambda self, raw, attributes, text: real(self, raw, {}, text))
    refuses(path, full("3"))


def test_a_shared_formula_of_which_the_first_is_gone_is_found(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx", [(str(n), {NOTE: 1}) for n in range(4)], extra=["sum"], table=False)

    def share(data):
        for n in range(4):
            tag = b'<f t="shared" ref="O2:O5" si="0">I2+1</f>' if n == 0 else b'<f t="shared" si="0"/>'
            data = first(b'<c r="O%d">' % (n + 2), rb"\g<0>" + tag)(data)
        return data

    rewritten(path, {sheet_part(path, RFM.sheet["zh"]): share})
    shared = {b"t": b"shared", b"ref": b"O2:O5", b"si": b"0"}
    real = Sheet._formula
    monkeypatch.setattr(Sheet, "_formula", lambda self, raw, attributes, text: real(self, raw, shared, text))
    refuses(path, full("23"))


def test_the_frame_is_looked_through_no_oftener_when_more_rows_go(tmp_path, monkeypatch):
    asked = []
    real = filling.always
    monkeypatch.setattr(filling, "always", lambda *about: asked.append(about) or real(*about))
    counts = []
    for last in (9, 99):
        path = book(tmp_path / f"{last}.xlsx", [(str(n), {}) for n in range(1, last)], extra=["mine"])
        asked.clear()
        fill(path, full("1"))
        counts.append(len(asked))
    assert counts[0] == counts[1] > 0


def test_a_note_that_loses_its_look_is_found(tmp_path, monkeypatch):
    """Bold words in a text."""
    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {NOTE: 1})], extra=["note"], table=False)
    rich = b'<c r="O3" t="inlineStr"><is><r><rPr><b/></rPr><t>bold</t></r><r><t> note</t></r></is></c>'
    rewritten(path, {sheet_part(path, RFM.sheet["zh"]): first(rb'<c r="O3"><v>1</v></c>', rich)})
    real = Sheet.moved

    def plain(self, cell, row, *, unshare):
        return re.sub(rb"<is>.*</is>", b"<is><t>bold note</t></is>", real(self, cell, row, unshare=unshare))

    monkeypatch.setattr(Sheet, "moved", plain)
    refuses(path, full("2"))


MANY = range(longlist.FROM + 16)


def test_words_that_stand_at_other_customers_are_found(tmp_path, monkeypatch):
    real = columns._words

    def exchanged(number, codes, *about, **how):
        codes = np.array(codes)
        codes[[5, 6]] = codes[[6, 5]]
        return real(number, codes, *about, **how)

    monkeypatch.setattr(columns, "_words", exchanged)
    refuses(book(tmp_path / "a.xlsx"), full(MANY, segment=[f"kind {n % 7}" for n in MANY]))


def test_a_column_that_is_shifted_is_found(tmp_path, monkeypatch):
    real = columns.column

    def shifted(number, values, encode):
        return real(number, values[[0, *range(2, len(values)), 1]] if number == 13 else values, encode)

    monkeypatch.setattr(columns, "column", shifted)
    refuses(book(tmp_path / "a.xlsx"), full(MANY))


def test_rows_that_are_missing_are_found(tmp_path, monkeypatch):
    real = longlist._rows
    monkeypatch.setattr(longlist, "_rows", lambda *about: real(*about)._replace(height=40))
    refuses(book(tmp_path / "a.xlsx"), full(MANY))


NOTED = first(rb'<c r="O40" s="(\d+)"/>', rb'<c r="O40" s="\1" t="inlineStr"><is><t>owes us</t></is></c>')
BY_PEOPLE = {
    "a height": first(rb'<row r="40"', b'<row r="40" ht="50" customHeight="1"'),
    "a style": first(rb'<c r="A40" s="\d+"', b'<c r="A40" s="0"'),
}


@pytest.mark.parametrize("name", BY_PEOPLE)
def test_what_people_did_among_rows_that_are_made_anew_is_found(tmp_path, monkeypatch, name):
    path = book(tmp_path / "a.xlsx", extra=["note"])
    fill(path, full(MANY))
    rewritten(path, {sheet_part(path, RFM.sheet["zh"]): BY_PEOPLE[name]})
    monkeypatch.setattr(longlist, "_PIECE", 1 << 12)
    monkeypatch.setattr(longlist, "_ours", lambda *about: True)
    refuses(path, full(range(90)))


LONG = [70, 3000]
"""how many customers: rows made one by one, and many at once"""

NOT_THEIRS = {
    "lost": lambda own: {14: {}},
    "another's": lambda own: {14: {row + 1: tail for row, tail in own[14].items()}},
    "another": lambda own: {14: {row: tail.replace(b"owes", b"paid") for row, tail in own[14].items()}},
    "another look": lambda own: {14: {row: re.sub(rb's="\d+"', b's="0"', tail) for row, tail in own[14].items()}},
    "invented": lambda own: {14: {**own[14], 3: next(iter(own[14].values()))}},
}


@pytest.mark.parametrize("count", LONG)
@pytest.mark.parametrize("fault", NOT_THEIRS)
def test_cells_of_others_that_are_not_theirs_are_found(tmp_path, monkeypatch, fault, count):
    path = book(tmp_path / "a.xlsx", extra=["note"])
    fill(path, full(range(1, count)))
    rewritten(path, {sheet_part(path, RFM.sheet["zh"]): NOTED})
    monkeypatch.setattr(longlist, "_PIECE", 1 << 12)
    anew = full([*range(count, 3, -1), 2])
    fill(path, anew, path.with_name("b.xlsx"))
    real = longlist._theirs
    monkeypatch.setattr(longlist, "_theirs", lambda *about: NOT_THEIRS[fault](real(*about)))
    refuses(path, anew)


def as_they_are(raws):
    return raws


SEVEN = b'" s="1"><v>7</v></c>'
IN_THEIR_COLUMN = {
    "values": lambda height: columns.Column(14, (columns.Each([SEVEN] * height, as_they_are),)),
    "values, one by one": lambda height: columns.Column(14, (columns.Each([SEVEN] * height, as_they_are),), kept=True),
    "values as words": lambda height: columns.Column(14, (columns.Words(np.zeros(height, int), [SEVEN], as_they_are),)),
    "nothing": lambda height: None,
    "another tag": lambda height: columns.kept(14, height, b'" s="1" t="e"/>', {}),
    "no style": lambda height: columns.kept(14, height, b'"/>', {}),
    "what is no XML": lambda height: columns.kept(14, height, b'" s="1"/>', {3: b'" s="1"><v>7</w></c>'}),
}


@pytest.mark.parametrize("count", LONG)
@pytest.mark.parametrize("name", IN_THEIR_COLUMN)
def test_what_is_put_into_a_column_of_others_is_found(tmp_path, monkeypatch, name, count):
    path = book(tmp_path / "a.xlsx", extra=["note"])
    fill(path, full(range(count)))
    monkeypatch.setattr(longlist, "_PIECE", 1 << 12)
    real = longlist._rows

    def spoilt(*about):
        made = real(*about)
        others = (one for one in made.columns if one.number != 14)
        return made._replace(columns=tuple(filter(None, (*others, IN_THEIR_COLUMN[name](made.height)))))

    monkeypatch.setattr(longlist, "_rows", spoilt)
    refuses(path, full(range(count), segment=["b"] * count))


def test_a_sum_of_numbers_that_goes_with_its_customer_is_found(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx", [("1", {}), ("2", {NOTE: "=500+200"})], extra=["bonus"])
    monkeypatch.setattr(slots.Typed, "holds", lambda *about: False)
    refuses(path, rfm([1]))


def test_a_row_that_somebody_typed_and_that_goes_is_found(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx")
    fill(path, full(MANY))
    emptied = first(rb'<c r="F40" s="(\d+)" t="inlineStr">.*?</c>', rb'<c r="F40" s="\1"/>')
    rewritten(path, {sheet_part(path, RFM.sheet["zh"]): emptied})
    monkeypatch.setattr(longlist, "_PIECE", 1 << 12)
    monkeypatch.setattr(longlist._Standing, "is_ours", lambda *about: True)
    refuses(path, full([one for one in MANY if one != 38]))


def test_a_column_beside_the_table_that_is_left_behind_is_found(tmp_path, monkeypatch):
    def beside(workbook, sheet, headers):
        sheet.write(0, len(headers), "beside")
        sheet.write_comment(4, len(headers), "about a customer")

    path = book(tmp_path / "a.xlsx", after=beside)
    fill(path, full(MANY))
    monkeypatch.setattr(longlist, "_PIECE", 1 << 12)
    monkeypatch.setattr(longlist, "_is_alone", lambda *about: True)
    refuses(path, full(MANY[1:]))


def test_what_follows_other_customers_is_found(tmp_path, monkeypatch):
    """Links and notes go where the shift says their rows went."""
    path = book(tmp_path / "a.xlsx")
    fill(path, full(MANY))
    monkeypatch.setattr(longlist, "_PIECE", 1 << 12)
    real = longlist._filled

    def exchanged(job, region, body, made, shift, order):
        moved = {**shift.moved, 10: shift.moved[11], 11: shift.moved[10]}
        return real(job, region, body, made, shift._replace(moved=moved), order)

    monkeypatch.setattr(longlist, "_filled", exchanged)
    refuses(path, full(MANY[1:]))


def test_a_note_that_goes_with_its_row_is_found(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx", after=lambda _, sheet, headers: sheet.write_comment("B5", "a note"))
    fill(path, full(MANY))
    monkeypatch.setattr(longlist, "_PIECE", 1 << 12)
    real = longlist._again
    monkeypatch.setattr(longlist, "_again", lambda job, writer: real(job._replace(notes=frozenset()), writer))
    refuses(path, full([one for one in MANY if one != 3]))


def test_cells_of_others_in_all_rows_are_found(tmp_path, monkeypatch):
    """Even where nothing had been typed."""
    real = columns.kept
    path = book(tmp_path / "a.xlsx", extra=["note"])
    fill(path, full(MANY))
    monkeypatch.setattr(longlist, "_PIECE", 1 << 12)
    monkeypatch.setattr(columns, "kept", lambda *about: real(*about[:2], b'" s="1"><v>7</v></c>', about[3]))
    refuses(path, full(MANY, segment=["b"] * len(MANY)))


def test_formats_of_a_text_that_are_lost_with_it_are_found(tmp_path, monkeypatch):
    path = book(tmp_path / "a.xlsx")
    fill(path, full(MANY))
    saved_by_excel(path)
    bold = b"<si><r><rPr><b/></rPr><t>segm</t></r><r><t>ent 40</t></r></si>"
    rewritten(path, {"xl/sharedStrings.xml": lambda data: data.replace(b"<si><t>segment 40</t></si>", bold)})
    real = longlist._standing
    monkeypatch.setattr(longlist, "_PIECE", 1 << 12)
    monkeypatch.setattr(longlist, "_standing", lambda job, first: real(job._replace(formatted=()), first))
    refuses(path, full(range(90)))


@pytest.mark.parametrize("count", LONG)
def test_values_at_other_customers_are_found(tmp_path, monkeypatch, count):
    """Which word of a column stands in which row is not taken from who wrote it there."""
    said, encoded = columns.Words.said, columns.Words.encoded

    def turned(words):
        return columns.Words(words.codes[::-1], words.values, words.encode) if words.values[0] == "segment 0" else words

    monkeypatch.setattr(columns.Words, "said", lambda self, low, high: said(turned(self), low, high))
    monkeypatch.setattr(columns.Words, "encoded", lambda self, low, high: encoded(turned(self), low, high))
    refuses(book(tmp_path / "a.xlsx"), full(range(count)))


@pytest.mark.parametrize("count", LONG)
@pytest.mark.parametrize("words", [("a_", "x0041_"), ("a ", " b"), ("a", "b ")])
def test_words_that_are_something_else_together_are_found(tmp_path, monkeypatch, count, words):
    monkeypatch.setattr(encoders, "are_plain_together", lambda words: True)
    codes = [np.zeros(count, dtype=np.intp)] * 2
    reason = Phrases(codes, [np.array([word], dtype=object) for word in words])
    refuses(book(tmp_path / "a.xlsx"), full(range(count), reason=reason))


@pytest.mark.parametrize("count", LONG)
def test_a_table_that_is_shorter_than_its_rows_is_found(tmp_path, monkeypatch, count):
    real = longlist._filled

    def shorter(job, region, body, made, shift, order=None):
        return real(job, region, body, made, shift._replace(new=shift.new - 5), order)

    monkeypatch.setattr(longlist, "_filled", shorter)
    refuses(book(tmp_path / "a.xlsx"), full(range(count)))


def test_a_sheet_that_says_that_it_holds_less_is_found(filled, monkeypatch):
    spoil(monkeypatch, first(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:B2"'))
    refuses(filled, ANEW)


def test_a_total_nobody_can_read_stays(tmp_path):
    path = dressed(tmp_path / "a.xlsx", totals=True)
    part = sheet_part(path, RFM.sheet["zh"])
    rewritten(path, {part: lambda data: re.sub(rb"<f>(SUBTOTAL[^<]*)</f>", rb"<f>\1)</f>", data)})
    fill(path, full("1245"))
    assert b"))</f>" in parts(path)[part]
