"""Table 2: one row a customer, in the template's own words, with the reason beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmenter import frames, texts, wording
from segmenter.frames import Frame
from segmenter.phrases import Phrases
from segmenter.reading import values
from segmenter.rules import NO_RECENCY, Rules
from segmenter.texts import Lang

_Coded = tuple[NDArray[np.intp], NDArray[Any]]
"""a column as the places of its values, and the distinct ones"""


def with_departed(frame: Frame, noted: NDArray[np.object_], lang: Lang) -> Frame:
    """Table 2 with the rows of earlier runs in which people typed something, whose customers are not in `frame`: ID
    and a word, nothing else, as any list says of a row that stays (`ours.gone`); here it has a place in the frame, so
    that the whole columns of a long table 2 need not be written row by row for one remark.

    `noted`: their IDs as they stand on the sheet.
    """
    if not len(noted):
        return frame
    first: dict[str, str] = {}
    for key, one in zip(values.keys(noted).tolist(), noted.tolist(), strict=True):
        first.setdefault(key, one)
    rest = [*first.values()]
    gone = {"customer_id": rest, "segment": [texts.say("cell.departed", lang)] * len(rest)}
    rows = zip(*([*frame[name].tolist(), *gone.get(name, [None] * len(rest))] for name in frame), strict=True)
    return Frame.of([*rows], frame.columns)


def to_frame(customers: Frame, rules: Rules, lang: Lang) -> Frame:
    """The rows of table 2 (columns as in the schema) for scored and segmented customers, in their order."""
    missing = texts.say("cell.missing", lang)
    names = wording.segment_names(rules, lang)
    classes = {code: name[lang] for code, name in rules.schemes[rules.naming_scheme].items()}
    measures = [_Measure.of(customers, name, rules, lang) for name in ("recency_days", "frequency", "monetary")]
    recency, frequency, monetary = measures
    recent = customers["r_bin"] == 0
    codes, segments = (frames.distinct(customers[name]) for name in ("code", "segment"))
    columns = {
        "customer_id": customers["customer_id"],
        "r_text": recency.said(("cell.r_yes", "cell.r_no"), "days", missing, ~recent)
        if rules.scoring == "fixed"
        else recency.said(("cell.r_days",), "days", missing),
        "f_text": frequency.said(("cell.f",), "count", missing),
        "m_text": monetary.said(("cell.m",), "amount", missing),
        "rfm_text": groups(customers, lang),
        "segment": _each(segments, names.__getitem__),
        "recency_days": customers["recency_days"],
        "frequency": customers["frequency"],
        "monetary": customers["monetary"],
        **{f"{one.name}_bin": one.bins for one in measures},
        "class_name": _each(codes, lambda code: classes.get(code, "")),
        "reason": _reasons(measures, codes, segments, names, lang),
    }
    return Frame(columns, customers.index)


class _Measure(NamedTuple):
    """R, F or M of every customer, its words made once a value: bin and label follow from the value."""

    name: str
    """r | f | m"""
    lang: str
    codes: NDArray[np.intp]
    """position of each customer's value in `shown`, -1 unknown"""
    shown: NDArray[np.object_]
    """the distinct values as numbers people read, and nothing for none"""
    places: NDArray[np.intp]
    """each customer's bin, -1 unknown"""
    words: Sequence[str]
    """the bins in words, and nothing for none"""
    tails: NDArray[np.object_]
    """→bin→label→digit, for each of them"""

    @classmethod
    def of(cls, customers: Frame, column: str, rules: Rules, lang: Lang) -> _Measure:
        name = column[0]
        codes, distinct = frames.distinct(customers[column])
        words = getattr(wording, f"{name}_bins")(rules, lang)
        labels = getattr(rules, f"{column.partition('_')[0]}_labels")
        tails = [
            f"→{word}→{wording.level(label, lang).strip()}→{0 if label == 'low' else 1}"
            for word, label in zip(words, labels, strict=True)
        ]
        shown = _array([*wording.numbers(distinct), ""])
        return cls(name, lang, codes, shown, customers[f"{name}_bin"], [*words, ""], _array([*tails, ""]))

    @property
    def bins(self) -> Phrases:
        """Each customer's bin in words."""
        return _words(self.places, self.words)

    def said(self, keys: Sequence[str], hole: str, missing: str, which: NDArray[np.bool_] | None = None) -> Phrases:
        """The text of one of `keys` for every customer (`which`: the second), `missing` where the value is."""
        shown = self.shown[:-1].tolist()
        around = [wording.around(key, hole, self.lang) for key in keys]
        words = [before + one + after for before, after in around for one in shown]
        second = 0 if which is None else which * len(shown)
        return Phrases([np.where(self.codes < 0, len(words), self.codes + second)], [_array([*words, missing])])

    def why(self) -> NDArray[np.object_]:
        """R=15天→近30天→高→1, for every distinct value; the last for none."""
        before, after = wording.around(f"why.{self.name}", "value", self.lang)
        places = self.places[_firsts(self.codes, len(self.shown))]
        found: NDArray[np.object_] = before + self.shown + after + self.tails[places]
        found[-1] = ""
        return found


def _array(words: Sequence[str]) -> NDArray[np.object_]:
    return np.array(words, dtype=object)


def _firsts(codes: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """The first row with each of the codes up to `count`."""
    found = np.zeros(count, dtype=np.intp)
    known = np.flatnonzero(codes >= 0)[::-1]
    found[codes[known]] = known  # reversed: the first row of a code is written last
    return found


def _words(codes: NDArray[Any], words: Sequence[str]) -> Phrases:
    """A column of these words by their place; -1: the last."""
    return Phrases([np.where(codes < 0, len(words) - 1, codes)], [_array(words)])


def _each(values: _Coded, word: Callable[[str], str]) -> Phrases:
    """A word a distinct value."""
    codes, distinct = values
    return _words(codes, [word(value) for value in distinct])


def groups(customers: Frame, lang: Lang) -> Phrases:
    """111(高R/高F/高M); nothing where there is no code."""
    code = customers["code"]
    labels = {name: customers[f"{name}_label"] for name in "rfm"}
    codes, distinct = _together(*(customers[f"{name}_bin"] for name in "rfm"))
    rows = _firsts(codes, len(distinct)).tolist()
    return _words(codes, [_group(code[row], *(labels[name][row] for name in "rfm"), lang) for row in rows])


@lru_cache(maxsize=512)
def _group(code: str, r: str, f: str, m: str, lang: Lang) -> str:
    levels = {name: wording.level(label, lang) for name, label in zip("rfm", (r, f, m), strict=True) if code}
    return texts.say("cell.rfm", lang, code=code, **levels) if code else ""


def _together(*several: NDArray[np.integer[Any]]) -> _Coded:
    """What stands in several columns of small whole numbers from -1 on, as codes of one."""
    found = np.zeros(len(several[0]), dtype=np.int64)
    for one in several:
        found = found * (int(one.max(initial=0)) + 2) + one + 1
    return frames.distinct(found)


def _reasons(
    measures: Sequence[_Measure], scores: _Coded, segments: _Coded, names: Mapping[str, str], lang: Lang
) -> Phrases:
    """Why this customer is here: R=15天→近30天→高→1; ...; 111→高价值客户."""
    joint = texts.say("why.joint", lang)
    recency, frequency, monetary = measures
    unknown = (scores[1] == "")[scores[0]]
    undated = (segments[1] == NO_RECENCY)[segments[0]]
    over = len(frequency.shown)
    pairs, pair = frames.distinct(np.where(unknown, -1 - undated, recency.codes * over + frequency.codes))
    r, f = (one.why() for one in (recency, frequency))
    before, after = wording.around("why.m", "value", lang)
    heads = r[pair // over] + joint + f[pair % over] + joint + before
    for key, place in (("why.new", -1), ("why.no_recency", -2)):
        heads[pair == place] = texts.say(key, lang)
    codes, distinct = _together(monetary.places, scores[0], segments[0])
    last = []
    for row in _firsts(codes, len(distinct)).tolist():
        score, name = scores[1][scores[0][row]], names[segments[1][segments[0][row]]]
        last.append(f"{after}{monetary.tails[monetary.places[row]]}{joint}{score}→{name}" if score else "")
    return Phrases([pairs, np.where(unknown, -1, monetary.codes), codes], [heads, monetary.shown, _array(last)])
