"""Table 2: one row a customer, in the template's own words, with the reason beside it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas import DataFrame

from segmenter import texts, wording
from segmenter.rules import Rules
from segmenter.segment import NO_RECENCY
from segmenter.texts import Lang


def to_frame(customers: DataFrame, rules: Rules, lang: Lang) -> DataFrame:
    """The rows of table 2 (columns as in the schema) for scored and segmented customers, in their order."""
    missing = texts.say("cell.missing", lang)
    recency, frequency, monetary = (customers[name] for name in ("recency_days", "frequency", "monetary"))
    recent = customers["r_bin"].to_numpy() == 0
    yes = wording.each(recency, lambda d: texts.say("cell.r_yes", lang, days=wording.number(d)), missing)
    no = wording.each(recency, lambda d: texts.say("cell.r_no", lang, days=wording.number(d)), missing)
    f_text = wording.each(frequency, lambda f: texts.say("cell.f", lang, count=wording.number(f)), missing)
    m_text = wording.each(monetary, lambda m: texts.say("cell.m", lang, amount=wording.number(m)), missing)
    names = wording.segment_names(rules, lang)
    frame = DataFrame(
        {
            "customer_id": customers["customer_id"],
            "r_text": np.where(recent, yes, no),
            "f_text": f_text,
            "m_text": m_text,
            "rfm_text": _groups(customers, lang),
            "segment": customers["segment"].map(names),
            "recency_days": recency,
            "frequency": frequency,
            "monetary": monetary,
            "r_bin": _bins(customers["r_bin"], wording.r_bins(rules, lang)),
            "f_bin": _bins(customers["f_bin"], wording.f_bins(rules, lang)),
            "m_bin": _bins(customers["m_bin"], wording.m_bins(rules, lang)),
            "class_name": customers["code"].map(
                {code: name[lang] for code, name in rules.schemes[rules.naming_scheme].items()}
            ),
        },
        index=customers.index,
    )
    return frame.assign(reason=_reasons(customers, frame, lang))


def _bins(positions: pd.Series, names: list[str]) -> pd.Series:
    words = np.array([*names, ""], dtype=object)
    return pd.Series(words[positions.to_numpy()], index=positions.index)


def _groups(customers: DataFrame, lang: Lang) -> pd.Series:
    """111(高R/高F/高M); nothing where there is no code."""
    labels = [customers[f"{name}_label"].astype(str) for name in "rfm"]
    joined = customers["code"].astype(str).str.cat(labels, sep="/")
    words = {}
    for key in joined.unique():
        code, *levels = key.split("/")
        shown = dict(zip("rfm", (wording.level(level, lang) if level else "" for level in levels), strict=True))
        words[key] = texts.say("cell.rfm", lang, code=code, **shown) if code else ""
    return joined.map(words)


def _reasons(customers: DataFrame, frame: DataFrame, lang: Lang) -> list[str]:
    """Why this customer is here: R=15天→近30天→高→1; ...; 111→高价值客户."""
    parts = []
    for name, value in (("r", "recency_days"), ("f", "frequency"), ("m", "monetary")):
        numbers = wording.each(
            customers[value], lambda v, n=name: texts.say(f"why.{n}", lang, value=wording.number(v)), ""
        )
        labels = customers[f"{name}_label"].astype(str).to_numpy()
        ends = {
            label: f"→{wording.level(label, lang).strip()}→{0 if label == 'low' else 1}" if label else ""
            for label in set(labels)
        }
        bins = frame[f"{name}_bin"].to_numpy()
        tails = {(b, label): f"→{b}{ends[label]}" for b, label in set(zip(bins, labels, strict=True))}
        parts.append([head + tails[b, label] for head, b, label in zip(numbers, bins, labels, strict=True)])
    joint = texts.say("why.joint", lang)
    known = [r + joint + f + joint + m for r, f, m in zip(*parts, strict=True)]
    new, unknown = texts.say("why.new", lang), texts.say("why.no_recency", lang)
    ends = [f"{joint}{code}→{name}" for code, name in zip(customers["code"], frame["segment"], strict=True)]
    return [
        (unknown if segment == NO_RECENCY else new) if not code else text + end
        for text, end, code, segment in zip(known, ends, customers["code"], customers["segment"], strict=True)
    ]
