"""Table 2: one row a customer, in the template's own words, with the reason beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas import DataFrame

from segmenter import texts, wording
from segmenter.phrases import Phrases
from segmenter.reading import values
from segmenter.rules import NO_RECENCY, Rules
from segmenter.texts import Lang


def with_departed(frame: DataFrame, noted: pd.Series, lang: Lang) -> DataFrame:
    """Table 2 with the rows of earlier runs in which people typed something, whose customers are not in `frame`: ID
    and a word, nothing else, so that what was typed stays.

    `noted`: their IDs as they stand on the sheet, index = row there.
    """
    if noted.empty:
        return frame
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
        "r_text": recency.said(("cell.r_yes", "cell.r_no"), "days", missing, ~recent)
        if rules.scoring == "fixed"
        else recency.said(("cell.r_days",), "days", missing),
        "f_text": frequency.said(("cell.f",), "count", missing),
        "m_text": monetary.said(("cell.m",), "amount", missing),
        "rfm_text": groups(customers, lang),
        "segment": _each(segments, names.__getitem__),
        "recency_days": customers["recency_days"].to_numpy(float),
        "frequency": customers["frequency"].to_numpy(float),
        "monetary": customers["monetary"].to_numpy(float),
        **{f"{one.name}_bin": one.bins for one in measures},
        "class_name": _each(codes, lambda code: classes.get(code, "")),
        "reason": _reasons(measures, codes, segments, names, lang),
    }
    return DataFrame(
        {
            key: pd.Series(cells, index=customers.index, dtype=object if key == "customer_id" else None)
            for key, cells in columns.items()
        },
        copy=False,
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
    bins: pd.Categorical
    """each customer's bin in words"""

    @classmethod
    def of(cls, customers: DataFrame, column: str, rules: Rules, lang: Lang) -> _Measure:
        name = column[0]
        codes, distinct = pd.factorize(customers[column].to_numpy(float))
        first = np.zeros(len(distinct), dtype=np.intp)
        known = np.flatnonzero(codes >= 0)[::-1]
        first[codes[known]] = known  # reversed: the first customer of a value is written last
        words = [*getattr(wording, f"{name}_bins")(rules, lang), ""]
        bins = customers[f"{name}_bin"].to_numpy()
        labels = customers[f"{name}_label"].to_numpy(object)[first].tolist()
        ends = {
            label: f"→{wording.level(label, lang).strip()}→{0 if label == 'low' else 1}"
            for label in set(labels)
            if label
        }
        tails = [f"→{words[place]}{ends[label]}" for place, label in zip(bins[first].tolist(), labels, strict=True)]
        shown = [*map(wording.number, distinct.tolist())]
        return cls(name, lang, codes, shown, tails, _words(np.where(bins < 0, len(words) - 1, bins), words))

    def said(
        self, keys: Sequence[str], hole: str, missing: str, which: NDArray[np.bool_] | None = None
    ) -> pd.Categorical:
        """The text of one of `keys` for every customer (`which`: the second), `missing` where the value is."""
        around = [wording.around(key, hole, self.lang) for key in keys]
        words = [before + one + after for before, after in around for one in self.shown]
        second = 0 if which is None else which * len(self.shown)
        return _words(np.where(self.codes < 0, len(words), self.codes + second), [*words, missing])

    def why(self) -> NDArray[np.object_]:
        """R=15天→近30天→高→1, for every distinct value; the last for none."""
        before, after = wording.around(f"why.{self.name}", "value", self.lang)
        made = [before + one + after + end for one, end in zip(self.shown, self.tails, strict=True)]
        return np.array([*made, ""], dtype=object)


def _words(codes: NDArray[Any], words: Sequence[str]) -> pd.Categorical:
    """A column of these words by their place; a word may be there twice."""
    places, distinct = pd.factorize(np.array(words, dtype=object))
    return pd.Categorical.from_codes(places[codes], categories=distinct)


def _each(values: NDArray[np.object_], word: Callable[[str], str]) -> pd.Categorical:
    """A word a distinct value."""
    codes, distinct = pd.factorize(values)
    return _words(codes, [word(value) for value in distinct])


def groups(customers: DataFrame, lang: Lang) -> pd.Categorical:
    """111(高R/高F/高M); nothing where there is no code."""
    code = customers["code"].to_numpy(object)
    labels = {name: customers[f"{name}_label"].to_numpy(object) for name in "rfm"}
    key = sum(pd.factorize(labels[name])[0] * 5**n for n, name in enumerate(labels))
    _, first, codes = np.unique(key, return_index=True, return_inverse=True)
    words = []
    for row in first.tolist():
        shown = {name: wording.level(labels[name][row], lang) for name in labels} if code[row] else {}
        words.append(texts.say("cell.rfm", lang, code=code[row], **shown) if shown else "")
    return _words(codes, words)


def _reasons(
    measures: Sequence[_Measure],
    codes: NDArray[np.object_],
    segments: NDArray[np.object_],
    names: Mapping[str, str],
    lang: Lang,
) -> Phrases:
    """Why this customer is here: R=15天→近30天→高→1; ...; 111→高价值客户."""
    joint = texts.say("why.joint", lang)
    recency, frequency, monetary = measures
    unknown, undated = codes == "", segments == NO_RECENCY
    over = len(frequency.shown) + 1
    pairs, pair = pd.factorize(np.where(unknown, -1 - undated, recency.codes * over + frequency.codes))
    r, f = (one.why() for one in (recency, frequency))
    heads = r[pair // over] + joint + f[pair % over]
    for key, place in (("why.new", -1), ("why.no_recency", -2)):
        heads[pair == place] = texts.say(key, lang)
    amounts = np.where(unknown, len(monetary.shown), monetary.codes)
    ends, _ = pd.factorize(pd.factorize(codes)[0] * (len(names) + 1) + pd.factorize(segments)[0])
    first = np.unique(ends, return_index=True)[1]
    last = [f"{joint}{codes[row]}→{names[segments[row]]}" if codes[row] else "" for row in first.tolist()]
    middle = [joint + one if one else "" for one in monetary.why().tolist()]
    return Phrases([pairs, amounts, ends], [heads, np.array(middle, dtype=object), np.array(last, dtype=object)])
