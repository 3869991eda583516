"""Rows among the customers or their orders that are neither: totals, notes, and headings."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from segmenter import schema
from segmenter.books import Grid
from segmenter.cells import address
from segmenter.errors import Refused
from segmenter.reading import notes, values
from segmenter.reading.column import Raw
from segmenter.schema import Table

_LABEL: Final = 20
"""letters that the label of a total has at most"""
_SUMMED: Final = (("frequency", "total_amount"), ("quantity", "amount"))
"""columns that a row of totals sums up together"""
_LAST: Final = 3
"""how many of the last rows may be totals that do not say so"""
_FEW: Final = 3
"""fewer rows say nothing by their sums, which a customer may have by chance"""
_FIGURES: Final = frozenset({"count", "money", "number", "rate"})
"""kinds of columns that rows of totals sum up"""


def found(
    grid: Grid,
    table: Table,
    raw: Mapping[str, Raw],
    numbers: NDArray[np.intp],
    first: int,
    columns: Mapping[str, int],
    spare: Collection[str],
) -> dict[int, str]:
    """The positions (from row `first` on) of such rows among `numbers`, each with the code of its finding. `spare`:
    keys of customers who have orders."""
    empty = {key: column.empty for key, column in raw.items()}
    totals = _totals(grid, table, raw, empty, numbers, first, columns)
    rest = numbers[~np.isin(numbers, totals)] if len(totals) else numbers
    noted = notes.found(table, raw, rest, columns, spare)
    rest = rest[~np.isin(rest, noted)] if noted else rest
    summed = _sums(table, raw, empty, rest)
    return dict.fromkeys([*totals.tolist(), *summed], "total_row") | dict.fromkeys(noted, "note_row")


def _totals(
    grid: Grid,
    table: Table,
    raw: Mapping[str, Raw],
    empty: Mapping[str, NDArray[np.bool_]],
    numbers: NDArray[np.intp],
    first: int,
    columns: Mapping[str, int],
) -> NDArray[np.intp]:
    """Positions of total and subtotal rows: they say so, or they lack an ID and their amount is the sum above, of all
    or since the total before."""
    found = np.zeros(len(empty["customer_id"]), dtype=bool)
    if grid.totals_row is not None and 0 <= grid.totals_row - first < len(found):
        found[grid.totals_row - first] = True
    ids = raw["customer_id"].cells
    for key, column in raw.items():
        for position in _labelled(column):
            if key != "customer_id" and not values.is_empty(ids[position]) and not _says_total(ids[position]):
                if _is_value(table, raw, position, column.cells[position]):
                    continue
                place = address(first + position, columns[key])
                raise Refused("total_with_id", sheet=grid.sheet, cell=place, value=column.cells[position])
            found[position] = True
    amount_key = next((key for key in ("total_amount", "amount") if key in raw), None)
    if amount_key and empty["customer_id"][numbers].any():
        _add_sums(found, _numbers(raw[amount_key]), empty["customer_id"], numbers)
    return numbers[found[numbers]]


def _is_value(table: Table, raw: Mapping[str, Raw], position: int, label: str) -> bool:
    """Whether what looks like the label of a total may be something about the customer with that ID: a mean, or, where
    the row has a day as those of customers have, a word such as 汇总."""
    has_day = any(table[key].kind == "date" and not column.empty[position] for key, column in raw.items())
    return not schema.says_total(label, sums=True) or (has_day and schema.fold(label) not in schema.sure_words())


def _add_sums(
    found: NDArray[np.bool_], amounts: NDArray[np.float64], nameless: NDArray[np.bool_], numbers: NDArray[np.intp]
) -> None:
    """Add to the totals `found` the rows without an ID whose amount is the sum of all above, or of those since the
    total before."""
    with np.errstate(over="ignore"):  # then it is the sum of nothing
        above = np.concatenate([[0.0], np.nancumsum(np.where(found, 0.0, amounts))])
    among, begin, since = 0.0, 0, 0.0
    for n in numbers[nameless[numbers] | found[numbers]].tolist():
        whole = above[n] - among
        is_sum = abs(amounts[n] - whole) < 0.005 and n > 1
        is_sum |= abs(amounts[n] - (whole - since)) < 0.005 and n > begin + 1
        if not found[n] and not (is_sum and amounts[n]):
            continue
        among += 0.0 if found[n] else amounts[n]
        found[n], begin, since = True, n + 1, whole


def _labelled(column: Raw) -> list[int]:
    """The positions of the cells that say that they are of a total."""
    joined = column.joined.casefold()
    if column.cells.dtype != object or (joined and not any(word in joined for word in schema.total_words())):
        return []
    told = [code for code, value in enumerate(column.distinct.values) if _says_total(value)]
    return np.flatnonzero(np.isin(column.distinct.codes, told)).tolist() if told else []


def _says_total(value: object) -> bool:
    short = isinstance(value, str) and len(value) <= _LABEL and not value[-1:].isdigit()
    return short and schema.says_total(str(value))


def _sums(
    table: Table, raw: Mapping[str, Raw], empty: Mapping[str, NDArray[np.bool_]], numbers: NDArray[np.intp]
) -> list[int]:
    """Totals whatever they are called: how often and how much are both the sums of all rows above, or of those since
    the total before, and besides figures they have nothing that most others have, no day, no word. They are among the
    last rows, or have what is no ID."""
    pair = next((pair for pair in _SUMMED if raw.keys() >= set(pair)), ())
    words = [blank[numbers] for key, blank in empty.items() if key != "customer_id" and table[key].kind not in _FIGURES]
    usual = [blank for blank in words if 2 * blank.sum() < len(numbers)]
    if not pair or not usual or len(numbers) <= _FEW or not (lacking := np.all(usual, axis=0)).any():
        return []
    summed = np.array([_numbers(raw[key])[numbers] for key in pair])
    with np.errstate(over="ignore"):  # then it is the sum of nothing
        above = np.concatenate([[[0.0], [0.0]], np.nancumsum(summed, axis=1)], axis=1)
    counts = np.concatenate([[0], np.cumsum((summed > 0).all(axis=0))])
    may_be = notes.like(raw["customer_id"].cells[numbers[~lacking]].tolist())
    found: list[int] = []
    among, since, begin = np.zeros(2), np.zeros(2), 0
    for n in np.flatnonzero(lacking & (summed > 0).all(axis=0)).tolist():
        whole = above[:, n] - among
        is_all = np.abs(summed[:, n] - whole).max() < 0.005
        is_some = bool(found) and np.abs(summed[:, n] - (whole - since)).max() < 0.005
        is_odd = may_be is not None and not may_be(str(raw["customer_id"].cells[numbers[n]]))
        at_end = is_all and n >= len(numbers) - _LAST and counts[n] - len(found) >= _FEW
        if at_end or (is_odd and (is_all or is_some) and counts[n] - counts[begin] >= _FEW):
            found.append(n)
            among, since, begin = among + summed[:, n], whole, n + 1
    return [int(numbers[n]) for n in found]


def _numbers(column: Raw) -> NDArray[np.float64]:
    """A column's numbers for a comparison; nothing where its form is in doubt, which is said when it is read."""
    try:
        return values.numbers(column).values
    except values.Ambiguous:
        return np.full(len(column), np.nan)
