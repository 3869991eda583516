"""Personas: one or two typical people of every segment, computed from its customers (items 003-53..57, 001-08).

Every claim carries its share; what nobody knows is said to be missing. A persona of fewer than five people would be
a portrait of somebody: there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from segmenter import grouping, schema, texts
from segmenter.frames import Frame
from segmenter.steps.labels import Labels, Mask
from segmenter.texts import Lang

PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "traits": ("tier", "age_group", "wage_band", "income_level", "job", "marital_status"),
    "behaviour": (
        "frequency_level",
        "amount_level",
        "buying_channel",
        "favourite_category",
        "active_time",
        "order_time",
        "payment_method",
        "brand",
    ),
    "pains": ("price_level", "service_level", "purpose_group", "motive_group", "pains"),
}
"""the dimensions each part of a persona is made of (003-54)"""
NAMED: Final = (
    *("tier", "age_group", "price_level", "buying_channel", "job", "frequency_level", "amount_level"),
    "favourite_category",
)
"""the dimensions a persona's name is made of"""
SMALLEST: Final = 5
SECOND: Final = 30
"""a segment has a second persona when one that differs has so many customers"""
NOTABLE: Final = 1.1
SURE: Final = 1.64
"""standard errors a share must lie above everybody's: chance alone gets there once in twenty"""
MOSTLY: Final = 0.5
BALANCED: Final = 0.6
"""the share, as it is shown, from which a group is mostly men or women (001-08)"""


@dataclass(frozen=True)
class Claim:
    """One thing that is true of a group: a level, how many have it, their share, and that of everybody."""

    labels: Labels
    level: int
    count: int
    share: float
    everybody: float
    notable: bool

    def text(self, lang: Lang) -> str:
        """In words, with its figures."""
        level = self.labels.levels[self.level].name[lang]
        name = self.labels.dimension.name[lang]
        figures = {"share": self.share, "everybody": self.everybody, "count": self.count}
        key = "persona.more" if self.notable else "persona.mostly"
        if self.share == 1 and self.everybody < 1 and self.notable:  # what the persona was made by
            key = "persona.split"
        return texts.say(key, lang, name=name, level=level, lift=self.share / self.everybody, **figures)


def table(
    labels: Mapping[str, Labels],
    split: Sequence[str],
    customers: Frame,
    names: Mapping[str, str],
    library: Mapping[str, Sequence[Mapping[str, str]]],
    lang: Lang,
) -> Frame:
    """The rows of the 客户画像 sheet. `labels`: by dimension key; `split`: dimensions along which a segment may fall
    into two; `names`: segment key -> name, in order; `library`: strategies by segment key."""
    segment = customers["segment"]
    rows: list[dict[str, Any]] = []
    for key, name in names.items():
        whole = segment == key
        people = int(whole.sum())
        strategies = {"library": "; ".join(one[lang] for one in library.get(key, ())) or None}
        if people < SMALLEST:
            if people:
                note = texts.say("persona.few", lang, smallest=SMALLEST)
                rows.append({"segment": name, "traits": "—", "missing": note, **strategies})
            continue
        for part in _parts(whole, [labels[one] for one in split if one in labels]):
            row = {
                "segment": name,
                "customers": int(part.sum()),
                "customer_share": round(float(part.sum()) / people, 6),
            }
            rows.append({**row, **_persona(part, labels, customers, name, lang), **strategies})
    return Frame.of_records(rows, schema.table("personas").keys)


def _parts(whole: Mask, split: Sequence[Labels]) -> Iterator[Mask]:
    """The segment, or the two largest groups that the first dimension able to do so makes of it."""
    for one in split:
        counts = np.bincount(one.codes[whole & (one.codes >= 0)], minlength=len(one.levels))
        first = np.argsort(-counts, kind="stable")[:2]
        if len(first) == 2 and counts[first[1]] >= SECOND:
            yield from (whole & (one.codes == level) for level in first)
            return
    yield whole


def claims(part: Mask, labels: Sequence[Labels]) -> tuple[list[Claim], list[Labels]]:
    """What sets a group apart (else what most of it are), a claim a dimension, surest first; and the dimensions of
    which too little is known."""
    found: list[tuple[float, Claim]] = []
    missing = []
    for one in labels:
        counts = np.bincount(one.codes[part & (one.codes >= 0)], minlength=len(one.levels))
        known = int(counts.sum())
        if known < SMALLEST:
            missing.append(one)
            continue
        share, everybody = counts / known, one.counts / one.known
        with np.errstate(divide="ignore", invalid="ignore"):
            sure = (share - everybody) / np.sqrt(everybody * (1 - everybody) / known)
        notable = (counts >= SMALLEST) & (share >= NOTABLE * everybody) & (np.nan_to_num(sure) >= SURE)
        sure = np.where(notable, np.nan_to_num(sure), -1)
        best = int(sure.argmax()) if notable.any() else int(counts.argmax())
        if notable[best] or (share[best] >= MOSTLY and counts[best] >= SMALLEST):
            figures = (int(counts[best]), float(share[best]), float(everybody[best]))
            found.append((float(sure[best]), Claim(one, best, *figures, notable=bool(notable[best]))))
    return [claim for _, claim in sorted(found, key=lambda pair: -pair[0])], missing


def _persona(part: Mask, labels: Mapping[str, Labels], customers: Frame, segment: str, lang: Lang) -> dict[str, Any]:
    joint = texts.say("persona.joint", lang)
    row: dict[str, Any] = {}
    said: list[Claim] = []
    missing: list[str] = []
    for key, dimensions in PARTS.items():
        found, unknown = claims(part, [labels[one] for one in dimensions if one in labels])
        said += found
        missing += [one.dimension.name[lang] for one in unknown]
        row[key] = joint.join(one.text(lang) for one in _telling(found)) or texts.say("dimension.unknown", lang)
    row["traits"] += joint + _gender(part, labels.get("sex"), lang) if "sex" in labels else ""
    row["name"] = _name(said, lang) or texts.say("persona.plain", lang, segment=segment)
    row["typical"] = customers["customer_id"][typical(part, customers)]
    row["missing"] = texts.say("persona.missing", lang, names=", ".join(missing)) if missing else None
    return row


def _telling(found: Sequence[Claim]) -> Sequence[Claim]:
    """Claims whose share is above everybody's, as the two are shown; where there are none, what most are."""
    return [one for one in found if round(one.share * 100) > round(one.everybody * 100)] or found


def _gender(part: Mask, labels: Labels | None, lang: Lang) -> str:
    """男为主, 女为主 or 均衡, with the share (001-08)."""
    if labels is None or not len(labels.levels):
        return ""
    counts = np.bincount(labels.codes[part & (labels.codes >= 0)], minlength=len(labels.levels))
    if counts.sum() < SMALLEST:
        return texts.say("persona.no_gender", lang)
    share = counts / counts.sum()
    top = int(share.argmax())
    key = "persona.gender" if round(share[top] * 100) >= BALANCED * 100 else "persona.balanced"
    return texts.say(key, lang, name=labels.levels[top].name[lang], share=float(share[top]))


def _name(said: Sequence[Claim], lang: Lang) -> str:
    """A name of what stands out and is true of most, in everyday words where there are: 都市年轻线上客户 (003-55)."""
    always = ("tier", "age_group")
    by_key = {
        one.labels.dimension.key: one
        for one in said
        if one.share >= MOSTLY and (one.notable or one.labels.dimension.key in always)
    }
    words: list[str] = []
    for key in NAMED:
        if key in by_key and len(words) < 3:
            level = by_key[key].labels.levels[by_key[key].level]
            everyday = f"persona.word.{key}.{by_key[key].level}"
            known = everyday in texts.keys()  # noqa: SIM118 - a function of the module
            words.append(texts.say(everyday, lang) if known else level.name[lang])
    return texts.say("persona.name", lang, words=("" if lang == "zh" else ", ").join(words)) if words else ""


def typical(part: Mask, customers: Frame) -> int:
    """Position of the medoid: the customer with the least total distance to all others of the group, in recency,
    frequency, amount (log) and age, each over its spread. Exact: the sum of |x - y| over all y falls out of one sort
    a column."""
    places = np.flatnonzero(part)
    total = np.zeros(len(places))
    for column in ("recency_days", "frequency", "monetary", "age"):
        if column not in customers:
            continue
        values = customers[column][places].astype(np.float64)
        unknown = np.isnan(values)
        if unknown.all():
            continue
        values = np.where(unknown, grouping.median(values[~unknown]), values)
        values = values if column == "age" else np.log1p(np.maximum(values, 0))
        if spread := float(values.std()):
            total += _distances(values / spread)
    return int(places[total.argmin()])


def _distances(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of every value the sum of its distances to all others."""
    order = np.argsort(values, kind="stable")
    sorted_ = values[order]
    before = np.concatenate([[0.0], np.cumsum(sorted_)[:-1]])
    rank = np.arange(len(values))
    after = sorted_.sum() - before - sorted_
    found = np.empty(len(values))
    found[order] = sorted_ * rank - before + after - sorted_ * (len(values) - rank - 1)
    return np.round(found, 9)
