"""Rows among the customers or their orders that are neither: totals, notes, and headings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
_MANY: Final = 10
"""and so many do in any case"""


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
    totals = _totals(grid, raw, empty, numbers, first, columns)
    rest = numbers[~np.isin(numbers, totals)] if len(totals) else numbers
    noted = notes.found(table, raw, rest, columns, spare)
    rest = rest[~np.isin(rest, noted)] if noted else rest
    summed = _sums(raw, empty, rest)
    return dict.fromkeys([*totals.tolist(), *summed], "total_row") | dict.fromkeys(noted, "note_row")


def _totals(
    grid: Grid,
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
                if not schema.says_total(column.cells[position], surely=True):
                    continue
                place = address(first + position, columns[key])
                raise Refused("total_with_id", sheet=grid.sheet, cell=place, value=column.cells[position])
            found[position] = True
    amount_key = next((key for key in ("total_amount", "amount") if key in raw), None)
    if amount_key and empty["customer_id"][numbers].any():
        _add_sums(found, _numbers(raw[amount_key]), empty["customer_id"], numbers)
    return numbers[found[numbers]]


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


def _sums(raw: Mapping[str, Raw], empty: Mapping[str, NDArray[np.bool_]], numbers: NDArray[np.intp]) -> list[int]:
    """Totals whatever they are called: how often and how much are both the sums of all rows above, or of those since
    the total before, and they lack what others have. They are among the last rows, or have what is no ID."""
    pair = next((pair for pair in _SUMMED if raw.keys() >= set(pair)), ())
    blanks = [blank[numbers] for blank in empty.values()]
    lacking = np.any([blank for blank in blanks if 2 * blank.sum() < len(numbers)], axis=0) & (len(numbers) > _FEW)
    if not pair or not lacking.any():
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
        some, all_above = counts[n] - counts[begin], counts[n] - len(found)
        if np.abs(summed[:, n] - whole).max() < 0.005 and all_above >= _FEW and n >= len(numbers) - _LAST:
            is_total = all_above >= _MANY or _lacks(n, found, blanks)
        else:
            sums = [whole] if not found else [whole, whole - since]
            is_total = some >= _FEW and any(np.abs(summed[:, n] - one).max() < 0.005 for one in sums)
            is_total &= may_be is not None and not may_be(str(raw["customer_id"].cells[numbers[n]]))
        if is_total:
            found.append(n)
            among, since, begin = among + summed[:, n], whole, n + 1
    return [int(numbers[n]) for n in found]


def _lacks(row: int, found: list[int], blanks: Sequence[NDArray[np.bool_]]) -> bool:
    """Whether a row has nothing where all above have something that are no totals."""
    return any(blank[row] and not np.delete(blank[:row], found).any() for blank in blanks)


def _numbers(column: Raw) -> NDArray[np.float64]:
    """A column's numbers for a comparison; nothing where its form is in doubt, which is said when it is read."""
    try:
        return values.numbers(column).values
    except values.Ambiguous:
        return np.full(len(column), np.nan)
