"""Rows among the customers or their orders that are neither: totals, and notes below them."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from segmenter import schema
from segmenter.books import Grid
from segmenter.cells import address
from segmenter.errors import Refused
from segmenter.reading import values
from segmenter.reading.column import Raw


def found(
    grid: Grid,
    raw: Mapping[str, Raw],
    empty: Mapping[str, NDArray[np.bool_]],
    numbers: NDArray[np.intp],
    first: int,
    columns: Mapping[str, int],
) -> dict[int, str]:
    """The positions (from row `first` on) of such rows among `numbers`, each with the code of its finding."""
    totals = _totals(grid, raw, empty, numbers, first, columns)
    rest = numbers[~np.isin(numbers, totals)] if len(totals) else numbers
    return dict.fromkeys(totals.tolist(), "total_row") | dict.fromkeys(_notes(raw, empty, rest), "note_row")


def _notes(raw: Mapping[str, Raw], empty: Mapping[str, NDArray[np.bool_]], numbers: NDArray[np.intp]) -> list[int]:
    """Positions of the last rows of which nothing but words with a colon stand where the IDs do: 制表人：王五. Where
    IDs have colons there are none."""
    ids = raw["customer_id"].cells

    def has_colon(position: int) -> bool:
        return isinstance(ids[position], str) and re.search("[:：]", ids[position]) is not None

    found: list[int] = []
    for position in numbers[::-1].tolist():
        alone = all(blank[position] for key, blank in empty.items() if key != "customer_id")
        if not (alone and has_colon(position)):
            break
        found.append(position)
    above = numbers[: len(numbers) - len(found)].tolist()
    return found if above and not (found and any(map(has_colon, above))) else []


def _totals(
    grid: Grid,
    raw: Mapping[str, Raw],
    empty: Mapping[str, NDArray[np.bool_]],
    numbers: NDArray[np.intp],
    first: int,
    columns: Mapping[str, int],
) -> NDArray[np.intp]:
    """Positions of total and subtotal rows: they say so, or they lack an ID and their amount is the sum above."""
    words = schema.total_words()
    longest = 2 * max(map(len, words))
    found = np.zeros(len(empty["customer_id"]), dtype=bool)
    if grid.totals_row is not None and 0 <= grid.totals_row - first < len(found):
        found[grid.totals_row - first] = True
    for key, column in raw.items():
        if column.cells.dtype != object or (
            (joined := column.joined.casefold()) and not any(word in joined for word in words)
        ):
            continue
        told = [
            code
            for code, v in enumerate(column.distinct.values)
            if isinstance(v, str) and len(v) <= longest and not v[-1:].isdigit() and schema.fold(v) in words
        ]
        for position in np.flatnonzero(np.isin(column.distinct.codes, told)).tolist() if told else ():
            known = raw["customer_id"].cells[position]
            if key != "customer_id" and not values.is_empty(known) and schema.fold(known) not in words:
                place = address(first + position, columns[key])
                raise Refused("total_with_id", sheet=grid.sheet, cell=place, value=column.cells[position])
            found[position] = True
    amount_key = next((key for key in ("total_amount", "amount") if key in raw), None)
    nameless = numbers[empty["customer_id"][numbers]]
    if amount_key and len(nameless):
        amounts = _numbers(raw[amount_key])
        with np.errstate(over="ignore"):  # then it is the sum of nothing
            above = np.concatenate([[0.0], np.nancumsum(np.where(found, 0.0, amounts))])
        found[nameless] |= (
            (nameless > 1) & (amounts[nameless] != 0) & (np.abs(amounts[nameless] - above[nameless]) < 0.005)
        )
    return numbers[found[numbers]]


def _numbers(column: Raw) -> NDArray[np.float64]:
    """A column's numbers for a comparison; nothing where its form is in doubt, which is said when it is read."""
    try:
        return values.numbers(column).values
    except values.Ambiguous:
        return np.full(len(column), np.nan)
