"""`pytest --corpus DIR`: every workbook of a folder is given customers, filled, filled again, edited, and proven."""

from bookshop import customers, frame, repairs, rewritten, rfm, sheet_part

from segmenter.books.file import FileBook
from segmenter.books.package import Package
from segmenter.books.proof import verify
from segmenter.errors import Refused
from segmenter.schema import BOARDS, CLEANING, CUSTOMERS, RFM, STRATEGY

LISTED = {
    "signed",
    "shared_workbook",
    "structure_locked",
    "reserved",
    "sheet_protected",
    "sheet_foreign",
    "sheet_tie",
    "sheet_kind",
    "header_missing",
    "header_twice",
    "header_tie",
    "out_suffix",
    "file_damaged",
    "file_empty",
    "file_encrypted",
    "file_other",
    "file_suffix",
    "file_text",
    "file_unknown",
    "file_xls",
    "file_xlsb",
    "part_missing",
    "xml_damaged",
    "xml_doctype",
    "xml_encoding",
    "xml_limit",
    "sheet_spread",
    "zip_bomb",
    "zip_name",
    "zip_twice",
    "table_below",
    "below_read",
    "table_merged",
}
"""the reasons for which a workbook may be refused"""


def proven(before, after):
    proof = verify(Package(before.read_bytes(), before), Package(after.read_bytes(), after))
    assert proof.ok, proof.violations


def fill(path, out, ids):
    with FileBook(path, out) as book:
        book.write(RFM, rfm(ids))
        book.write(STRATEGY, frame(segment=["A", "B"], customers=[1.0, 2.0]))
        for table in BOARDS:
            book.write(table, frame(**{table.fields[0].key: ["x"] * table.rows}))
        book.write(CLEANING, frame(stage=["fill"], message=["=1+1"]))


def test_corpus(corpus_book, refused_book, tmp_path):
    given = tmp_path / f"given{corpus_book.suffix}"
    filled = tmp_path / f"filled{corpus_book.suffix}"
    again = tmp_path / f"again{corpus_book.suffix}"
    before = corpus_book.read_bytes()
    try:
        with FileBook(corpus_book, given) as book:
            book.write(CUSTOMERS, customers())
        grid = FileBook(given).read(CUSTOMERS)
        assert grid.column(0, 1).tolist() == ["1001", "1002", "1003"]
        fill(given, filled, ["1001", "1002", "1003"])
    except Refused as refused:
        assert refused.key in LISTED, refused
        assert corpus_book.read_bytes() == before
        refused_book(str(refused))
        return
    proven(given, filled)
    known = set(repairs(corpus_book))
    assert set(repairs(filled)) <= known
    fill(filled, again, ["1001", "1002", "1003"])
    assert again.read_bytes() == filled.read_bytes()

    lang = FileBook(filled).lang
    part = sheet_part(filled, RFM.sheet[lang])
    typed = b'<c r="O3" t="inlineStr"><is><t>typed</t></is></c></row><row r="4"'
    edited = rewritten(
        filled, {part: lambda data: data.replace(b'</row><row r="4"', typed, 1)}, tmp_path / f"e{filled.suffix}"
    )
    fill(edited, again, ["1003", "1004"])
    proven(edited, again)
    rows = FileBook(again).read(RFM).rows
    assert ("1002", "typed") in [(row[0], row[14]) for row in rows[1:] if len(row) > 14]
    assert {"1003", "1004"} <= {row[0] for row in rows}
    assert corpus_book.read_bytes() == before
