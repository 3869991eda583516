"""The sheet of table 3: a list whose progress and outcome are coloured by native rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from book import LAST_ROW, Book
from list_sheet import list_sheet
from xlsxwriter.utility import xl_col_to_name

from segmenter import schema, texts
from segmenter.reports import tracking

GREEN: Final = {"bg_color": "#D9EFE3", "font_color": "#17603B"}
YELLOW: Final = {"bg_color": "#FBF0D3", "font_color": "#7A5611"}
RED: Final = {"bg_color": "#F8E1DC", "font_color": "#8C3522"}


def strategy_sheet(book: Book, rows: Sequence[Mapping[str, Any]] = ()) -> None:
    """Progress turns green, yellow or red at the limits of the report's lights, an outcome by what it is."""
    table = schema.STRATEGY
    sheet = list_sheet(book, table, rows)
    places = {one.key: column for column, one in enumerate(table.shown)}

    column = places["progress"]
    cell = f"{xl_col_to_name(column)}2"
    share = _share(cell)
    hint = book.say("hint.progress", good=f"{tracking.GOOD:.0%}", fair=f"{tracking.FAIR:.0%}")
    sheet.data_validation(0, column, 0, column, {"validate": "any", "input_message": hint})
    for limit, look in ((tracking.GOOD, GREEN), (tracking.FAIR, YELLOW), (0, RED)):
        criteria = f'=AND({cell}<>"",{share}>={limit})'
        rule = {"type": "formula", "criteria": criteria, "format": book.file.add_format(look), "stop_if_true": True}
        sheet.conditional_format(1, column, LAST_ROW, column, rule)

    column = places["outcome"]
    for outcome, look in {"met": GREEN, "on_track": YELLOW, "below": RED, "late": RED}.items():
        word = texts.say(f"report.outcome.{outcome}", book.lang)
        rule = {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": book.file.add_format(look)}
        sheet.conditional_format(1, column, LAST_ROW, column, rule)

    column = places["start_on"]
    sheet.data_validation(0, column, 0, column, {"validate": "any", "input_message": book.say("hint.start")})


def _share(cell: str) -> str:
    """The formula of the progress in a cell, a number or a text with one: "about 80 % done"; -1 without any."""
    plain = f'SUBSTITUTE({cell},"\uff05","%")'
    tries = "-1"
    for count in (1, 2, 3, 4):  # the longest number in front of the % that can be read wins
        tries = f'IFERROR(VALUE(MID({plain},FIND("%",{plain})-{count},{count}))/100,{tries})'
    return f"IF(ISNUMBER({cell}),{cell},{tries})"
