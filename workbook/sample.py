"""The invented shop of the sample workbook: its customers and orders, from the figures in shop.toml."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random
from typing import Any

import rtoml
from book import HERE

from segmenter import rules, schema


@dataclass(frozen=True)
class Order:
    """One order of the invented shop; money in fen, so that sums are exact."""

    customer: str
    day: date
    fen: int
    category: str
    channel: str


@dataclass
class Person:
    """One invented customer."""

    row: dict[str, Any]
    orders: list[Order] = field(default_factory=list)


def load_shop() -> dict[str, Any]:
    """The figures of the shop."""
    return rtoml.loads((HERE / "shop.toml").read_text(encoding="utf-8"))


class Dice:
    """Chance from nothing but `random()`, whose stream Python promises to keep."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def share(self) -> float:
        return self._random.random()

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.share()

    def bell(self) -> float:
        return sum(self.share() for _ in range(12)) - 6

    def pick(self, weights: Mapping[str, float]) -> str:
        left = self.share() * sum(weights.values())
        for name, weight in weights.items():
            left -= weight
            if left < 0:
                return name
        return name


def make_shop(shop: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[Order]]:
    """The rows of the customers sheet and the orders, by day."""
    dice = Dice(shop["seed"])
    people = [_template_person(shop, raw) for raw in shop["template"]]
    kinds = {kind["name"]: kind for kind in shop["kind"]}
    shares = {name: kind["share"] for name, kind in kinds.items()}
    for number in range(shop["first_id"] + len(people), shop["first_id"] + shop["customers"]):
        people.append(_person(shop, dice, str(number), kinds[dice.pick(shares)]))
    others = people[len(shop["template"]) :]
    rounded = min((p for p in others if len(p.orders) > 2), key=lambda p: abs(sum(o.fen for o in p.orders) - 128_000))
    _make_total(rounded, 128_000)
    for person in people:
        _settle(person)
        _behaviour(shop, person)
    _blemish(dice, others, rounded, shop["missing_ages"])
    channels = {one.key: one.name["zh"] for one in schema.choices("channel")}
    orders = sorted((o for p in people for o in p.orders), key=lambda o: (o.day, o.customer))
    return [p.row for p in people], [replace(o, channel=channels[o.channel]) for o in orders]


def _template_person(shop: Mapping[str, Any], raw: Mapping[str, Any]) -> Person:
    row = {key: raw[key] for key in ("age", "region", "occupation")}
    row |= {"customer_id": raw["id"], "gender": _named("gender", raw["gender"])}
    row |= {"registered_on": shop["as_of"] - timedelta(days=raw["registered"])}
    orders = [
        Order(raw["id"], shop["as_of"] - timedelta(days=days), yuan * 100, category, raw["channel"])
        for days, yuan, category in raw["orders"]
    ]
    return Person(row, orders)


def _named(choices: str, key: str) -> str:
    return next(one.name["zh"] for one in schema.choices(choices) if one.key == key)


def _person(shop: Mapping[str, Any], dice: Dice, number: str, kind: Mapping[str, Any]) -> Person:
    joined = round(dice.between(*kind["joined"]))
    age = min(70, round(18 + 14 * math.exp(0.55 * dice.bell())))
    early, late = shop["student"], shop["retired"]
    fits = {
        name: w
        for name, w in shop["occupations"].items()
        if name != (late if age < 56 else early) and (age < 25 or name != early)
    }
    occupation = early if age < 22 else dice.pick(fits)
    row: dict[str, Any] = {
        "customer_id": number,
        "gender": _named("gender", dice.pick(shop["genders"])),
        "age": age,
        "region": dice.pick(shop["cities"]),
        "occupation": occupation,
        "registered_on": shop["as_of"] - timedelta(days=joined),
    }
    if dice.share() < 0.35:
        row["income"] = dice.pick(shop["incomes"])
    if dice.share() < 0.4:
        row["active_hours"] = dice.pick(shop["hours"])
    if dice.share() < 0.3:
        row["service_needs"] = dice.pick(shop["service"])
    if dice.share() < 0.12:
        row["referrals"] = 1 + int(4 * dice.share() ** 3)
    if dice.share() < 0.55 and kind["gap"]:
        said = dice.share()
        says = "sensitive" if said < kind["sensitive"] else "moderate" if said < 0.75 else "insensitive"
        row["price_sensitivity"] = _named("price_sensitivity", says)
    return Person(row, _orders(shop, dice, number, kind, joined) if kind["gap"] else [])


def _orders(shop: Mapping[str, Any], dice: Dice, number: str, kind: Mapping[str, Any], joined: int) -> list[Order]:
    until = min(dice.between(*kind["left"]), joined)
    loves = {name: weight * math.exp(1.1 * dice.bell()) for name, weight in shop["categories"].items()}
    home = dice.pick(shop["channels"])
    basket = kind["basket"] * math.exp(0.25 * dice.bell())
    gap = kind["gap"] * math.exp(0.2 * dice.bell())
    found: list[Order] = []
    days: float = joined
    first = shop["as_of"] - timedelta(days=joined)
    while not found or days >= until:
        day = shop["as_of"] - timedelta(days=round(days))
        for promotion in shop["promotions"]:
            if abs((day - promotion).days) <= shop["drawn_days"] and dice.share() < shop["drawn_share"]:
                day = promotion + timedelta(days=round(dice.between(-1, 1)))
        category = dice.pick(loves)
        yuan = basket * shop["price"][category] * math.exp(kind["spread"] * dice.bell())
        fen = max(round(yuan), 9) * 100 - (10 if dice.share() < 0.4 else 0)
        channel = home if dice.share() < 0.85 else dice.pick(shop["channels"])
        found.append(Order(number, min(max(day, first, shop["from"]), shop["as_of"]), fen, category, channel))
        days -= max(1.0, gap * (0.25 + 1.5 * dice.share()))
    return found


def _make_total(person: Person, fen: int) -> None:
    """Changes the largest order so that all sum up to `fen`."""
    largest = max(range(len(person.orders)), key=lambda i: person.orders[i].fen)
    order = person.orders[largest]
    missing = fen - sum(o.fen for o in person.orders)
    person.orders[largest] = replace(order, fen=order.fen + missing)


def _settle(person: Person) -> None:
    """One channel where the most used is not also the one most was spent in: "most" has one meaning then."""
    if not person.orders:
        return
    used = Counter(o.channel for o in person.orders).most_common()
    spent: Counter[str] = Counter()
    for o in person.orders:
        spent[o.channel] += o.fen
    if spent.most_common(1)[0][0] != used[0][0] or (len(used) > 1 and used[0][1] == used[1][1]):
        person.orders = [replace(o, channel=used[0][0]) for o in person.orders]


def _off_the_half(orders: list[Order], counted: Sequence[Order]) -> None:
    """Ten fen more for the last order where the mean would end in half a fen: every way of rounding agrees then."""
    if counted and 2 * (sum(o.fen for o in counted) % len(counted)) == len(counted):
        last = orders.index(counted[-1])
        orders[last] = replace(orders[last], fen=orders[last].fen + 10)


def _behaviour(shop: Mapping[str, Any], person: Person) -> None:
    """The behaviour columns the orders give: frequency and amount of the last six calendar months, the rest of all."""
    row, orders, as_of = person.row, person.orders, shop["as_of"]
    months = as_of.year * 12 + as_of.month - 1 - rules.default().window_months
    start = date(months // 12, months % 12 + 1, as_of.day)
    recent = [o for o in orders if o.day > start]
    _off_the_half(orders, recent or orders)
    recent = [o for o in orders if o.day > start]
    row |= {"frequency": len(recent), "total_amount": 0, "window_amount": sum(o.fen for o in recent) / 100}
    if not orders:
        return
    spent: defaultdict[str, int] = defaultdict(int)
    for o in orders:
        spent[o.category] += o.fen
    counted = recent or orders
    row |= {
        "total_amount": sum(o.fen for o in orders) / 100,
        "average_order_value": round(sum(o.fen for o in counted) / 100 / len(counted), 2),
        "last_order_date": max(o.day for o in orders),
        "categories": "\u3001".join(sorted(spent, key=lambda c: (-spent[c], c))[:3]),
        "channel": _named("channel", Counter(o.channel for o in orders).most_common(1)[0][0]),
    }


def _blemish(dice: Dice, others: Sequence[Person], rounded: Person, ages: int) -> None:
    """What real lists have: ages missing, a space too many, numbers as text, full-width digits."""
    rounded.row["total_amount"] = "1,280"
    rest = [p for p in others if p is not rounded]
    marked = [rest[int(dice.share() * len(rest) / (ages + 2)) + i * len(rest) // (ages + 2)] for i in range(ages + 2)]
    for person in marked[:ages]:
        person.row["age"] = None
    marked[ages].row["region"] += " "
    marked[ages + 1].row["age"] = "".join(chr(ord(c) + 0xFEE0) for c in str(marked[ages + 1].row["age"]))
