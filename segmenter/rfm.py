"""Table 2: one row a customer, in the template's own words, with the reason beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas import DataFrame

from segmenter import texts, values, wording
from segmenter.rules import NO_RECENCY, Rules
from segmenter.texts import Lang


def with_departed(frame: DataFrame, noted: pd.Series, lang: Lang) -> DataFrame:
    """Table 2 with the rows of earlier runs in which people typed something, whose customers are not in `frame`: ID
    and a word, nothing else, so that what was typed stays.

    `noted`: their IDs as they stand on the sheet, index = row there.
    """
    current = values.key_of(frame["customer_id"])
    keys = values.key_of(noted)
    rest = noted[~keys.isin(current) & ~keys.duplicated()]
    if rest.empty:
        return frame
    more = DataFrame({"customer_id": rest.to_numpy(object), "segment": texts.say("cell.departed", lang)}, dtype=object)
    joined = {name: [*frame[name], *more.get(name, [None] * len(more))] for name in frame}
    return DataFrame({name: pd.Series(cells, dtype=object) for name, cells in joined.items()})


def to_frame(customers: DataFrame, rules: Rules, lang: Lang) -> DataFrame:
    """The rows of table 2 (columns as in the schema) for scored and segmented customers, in their order."""
    missing = texts.say("cell.missing", lang)
    names = wording.segment_names(rules, lang)
    classes = {code: name[lang] for code, name in rules.schemes[rules.naming_scheme].items()}
    measures = [_Measure.of(customers, name, rules, lang) for name in ("recency_days", "frequency", "monetary")]
    recency, frequency, monetary = measures
    recent = customers["r_bin"].to_numpy() == 0
    codes, segments = customers["code"].to_numpy(object), customers["segment"].to_numpy(object)
    columns = {
        "customer_id": customers["customer_id"].to_numpy(object),
        "r_text": np.where(
            recent, recency.said("cell.r_yes", "days", missing), recency.said("cell.r_no", "days", missing)
        )
        if rules.scoring == "fixed"
        else recency.said("cell.r_days", "days", missing),
        "f_text": frequency.said("cell.f", "count", missing),
        "m_text": monetary.said("cell.m", "amount", missing),
        "rfm_text": groups(customers, lang),
        "segment": _each(segments, names.__getitem__),
        "recency_days": customers["recency_days"],
        "frequency": customers["frequency"],
        "monetary": customers["monetary"],
        **{f"{one.name}_bin": one.bins for one in measures},
        "class_name": _each(codes, lambda code: classes.get(code, "")),
        "reason": _reasons(measures, codes, segments, names, lang),
    }
    numbers = ("recency_days", "frequency", "monetary")
    return DataFrame(
        {
            key: pd.Series(cells, index=customers.index, dtype=float if key in numbers else object)
            for key, cells in columns.items()
        }
    )


@dataclass(frozen=True)
class _Measure:
    """R, F or M of every customer, its words made once a value: bin and label follow from the value."""

    name: str
    """r | f | m"""
    lang: str
    codes: NDArray[np.intp]
    """position of each customer's value in `shown`, -1 unknown"""
    shown: list[str]
    """the distinct values as numbers people read"""
    tails: list[str]
    """→bin→label→digit, for each of them"""
    bins: NDArray[np.object_]
    """each customer's bin in words"""

    @classmethod
    def of(cls, customers: DataFrame, column: str, rules: Rules, lang: Lang) -> _Measure:
        name = column[0]
        codes, distinct = pd.factorize(customers[column].to_numpy(float))
        first = np.zeros(len(distinct), dtype=np.intp)
        known = np.flatnonzero(codes >= 0)[::-1]
        first[codes[known]] = known  # reversed: the first customer of a value is written last
        words = np.array([*getattr(wording, f"{name}_bins")(rules, lang), ""], dtype=object)
        bins = words[customers[f"{name}_bin"].to_numpy()]
        labels = customers[f"{name}_label"].to_numpy(object)
        ends = {
            label: f"→{wording.level(label, lang).strip()}→{0 if label == 'low' else 1}"
            for label in set(labels)
            if label
        }
        tails = [f"→{bins[row]}{ends[labels[row]]}" for row in first.tolist()]
        return cls(name, lang, codes, [wording.number(value) for value in distinct.tolist()], tails, bins)

    def said(self, key: str, hole: str, missing: str, tails: bool = False) -> NDArray[np.object_]:
        """The text `key` for every customer, `missing` where the value is."""
        before, after = wording.around(key, hole, self.lang)
        ends = self.tails if tails else [""] * len(self.shown)
        made = [before + one + after + end for one, end in zip(self.shown, ends, strict=True)]
        words: NDArray[np.object_] = np.array([*made, missing], dtype=object)[self.codes]
        return words


def _each(values: NDArray[np.object_], word: Callable[[str], str]) -> NDArray[np.object_]:
    """A word a distinct value."""
    codes, distinct = pd.factorize(values)
    words: NDArray[np.object_] = np.array([word(value) for value in distinct], dtype=object)[codes]
    return words


def groups(customers: DataFrame, lang: Lang) -> NDArray[np.object_]:
    """111(高R/高F/高M); nothing where there is no code."""
    code = customers["code"].to_numpy(object)
    labels = {name: customers[f"{name}_label"].to_numpy(object) for name in "rfm"}
    found = np.full(len(code), "", dtype=object)
    key = sum(pd.factorize(labels[name])[0] * 5**n for n, name in enumerate(labels))
    for one in np.unique(key):
        same = key == one
        row = int(same.argmax())
        if code[row]:
            shown = {name: wording.level(labels[name][row], lang) for name in labels}
            found[same] = texts.say("cell.rfm", lang, code=code[row], **shown)
    return found


def _reasons(
    measures: Sequence[_Measure],
    codes: NDArray[np.object_],
    segments: NDArray[np.object_],
    names: Mapping[str, str],
    lang: Lang,
) -> NDArray[np.object_]:
    """Why this customer is here: R=15天→近30天→高→1; ...; 111→高价值客户."""
    joint = texts.say("why.joint", lang)
    recency, frequency, monetary = measures
    ends = {
        (code, segment): f"{joint}{code}→{names[segment]}" for code, segment in {*zip(codes, segments, strict=True)}
    }
    pairs = recency.codes * (len(frequency.shown) + 1) + frequency.codes
    first, inverse = np.unique(pairs, return_index=True, return_inverse=True)[1:]
    r, f = (one.said(f"why.{one.name}", "value", "", tails=True) for one in (recency, frequency))
    heads = (r[first] + joint + f[first] + joint)[inverse]
    parts = zip(heads, monetary.said("why.m", "value", "", tails=True), codes, segments, strict=True)
    reason = np.array([f"{head}{m}{ends[code, segment]}" for head, m, code, segment in parts], dtype=object)
    unknown = codes == ""
    new = np.where(segments == NO_RECENCY, texts.say("why.no_recency", lang), texts.say("why.new", lang))
    return np.where(unknown, new.astype(object), reason)
