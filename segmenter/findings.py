"""What was found in the data and what was done about it: a `Finding` is a result, not an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmenter import texts
from segmenter.frames import Frame
from segmenter.texts import Lang

LISTED: Final = 1000
"""so many findings of one kind are listed one by one; one more stands for the rest, with their count"""
QUOTED: Final = 300
"""characters of a text that a sentence quotes; a cell may be full of it, and the sentence has to fit one too"""
Cell = Callable[[int, str], str]
"""(row number, field key) -> address on the sheet, "" when the sheet lacks the column"""
_ONE_CELL: Final = re.compile(r"[A-Z]+(\d+)")
NO_PARAMS: Mapping[str, Any] = MappingProxyType({})


class Finding(NamedTuple):
    """One thing worth knowing about the input: what, where, and what was done."""

    code: str
    """stable name; `finding.<code>` of the catalogue says it in words"""
    sheet: str = ""
    cell: str = ""
    """an address ("B7"), a range, or nothing when it concerns the whole sheet"""
    value: str = ""
    params: Mapping[str, Any] = NO_PARAMS
    """fill the sentence's holes; what differs by language is a mapping from language to text"""
    amount_share: float | None = None
    """share of the total amount it touches (0..1), where that can be said"""
    stage: str = "fill"
    """fill | import"""

    def message(self, lang: Lang) -> str:
        """What was found and done, in words."""
        place = {"sheet": self.sheet, "cell": self.cell, "value": self.value}
        params = {key: one[lang] if isinstance(one, Mapping) else one for key, one in self.params.items()}
        text = texts.say(
            f"finding.{self.code}", lang, **{key: _quoted(one) for key, one in {**place, **params}.items()}
        )
        count = self.params.get("count", 1)
        if count <= 1:
            return text
        end = "rest" if self.params.get("rest") else "first" if _ONE_CELL.fullmatch(self.cell) else "all"
        return text + texts.say(f"finding_count.{end}", lang, count=count)

    def kind(self, lang: Lang) -> str:
        """The kind of finding in a few words."""
        kind = self.params.get("kind")
        if kind is None:
            return texts.say(f"kind.{self.code}", lang)
        return str(kind[lang] if isinstance(kind, Mapping) else kind)


def _quoted(param: Any) -> Any:
    """What a sentence says of a parameter: of a long text its beginning."""
    return param[:QUOTED] + "…" if isinstance(param, str) and len(param) > QUOTED else param


def listed(rows: Sequence[Any], finding: Callable[[Any], Finding], most: int = LISTED) -> list[Finding]:
    """One finding a row; beyond `most` rows one more, at the first of the rest, counts them."""
    found = [finding(row) for row in rows[:most]]
    if len(rows) > most:
        last = finding(rows[most])
        found.append(last._replace(params={**last.params, "count": len(rows) - most, "rest": True}))
    return found


def reread(kind: str, message: str) -> tuple[str, dict[str, Any]] | None:
    """The code and numbers of a finding whose kind and sentence stand in a log, in either language; None when its
    sentence holds anything but numbers, or is none of ours. Said again, it comes out the same."""
    for lang in texts.LANGS:
        counts = [_pattern(texts.template(f"finding_count.{end}", lang))[0] for end in ("rest", "first", "all")]
        for key in sorted(texts.keys()):
            if not key.startswith("kind.") or texts.say(key, lang) != kind or key == "kind.kept":
                continue
            code = key.removeprefix("kind.")
            pattern, holes = _pattern(texts.template(f"finding.{code}", lang))
            found = re.fullmatch(f"{pattern}(?:{'|'.join(counts)})?", message) if pattern else None
            if found:
                *figures, rest, first, every = found.groups()
                params: dict[str, Any] = {hole: _figure(one) for hole, one in zip(holes, figures, strict=True)}
                if count := rest or first or every:
                    params["count"] = _figure(count)
                return code, params | ({"rest": True} if rest else {})
    return None


def _pattern(template: str) -> tuple[str, tuple[str, ...]]:
    """A sentence as a regular expression with a group for every figure; "" when a hole takes words."""
    from string import Formatter  # only a workbook that `import` has made is read again

    pattern, holes = "", []
    for literal, hole, spec, _ in Formatter().parse(template):
        pattern += re.escape(literal)
        if hole is not None:
            if "," not in (spec or ""):
                return "", ()
            pattern += r"(-?[\d,]+(?:\.\d+)?)"
            holes.append(hole)
    return pattern, tuple(holes)


def _figure(text: str) -> float | int:
    plain = text.replace(",", "")
    return float(plain) if "." in plain else int(plain)


def weighed(
    findings: Iterable[Finding], sheet: str, rows: NDArray[np.integer[Any]], amounts: NDArray[np.float64] | None
) -> list[Finding]:
    """With the share of the total amount that stands in a finding's row, where it is about one row of `sheet`.

    `amounts`: the total amounts of the customers, None when the sheet has none; `rows`: their row numbers, rising.
    """
    findings = list(findings)
    if amounts is None:
        return findings
    everything = float(np.nansum(amounts))
    if everything <= 0:
        return findings
    for place, one in enumerate(findings):
        if one.sheet != sheet or one.amount_share is not None or "count" in one.params:
            continue
        if found := _ONE_CELL.fullmatch(one.cell):
            at = int(np.searchsorted(rows, row := int(found[1])))
            if at < len(rows) and rows[at] == row and amounts[at] == amounts[at]:
                findings[place] = one._replace(amount_share=float(amounts[at] / everything))
    return findings


def to_frame(findings: Iterable[Finding], lang: Lang) -> Frame:
    """The rows of the cleaning log, columns as in the schema."""
    rows = [
        (
            texts.say(f"stage.{one.stage}", lang),
            one.kind(lang),
            one.sheet,
            one.cell,
            one.value,
            one.message(lang),
            np.nan if one.amount_share is None else one.amount_share,
        )
        for one in findings
    ]
    return Frame.of(rows, ("stage", "code", "sheet", "cell", "value", "message", "amount_share"))
