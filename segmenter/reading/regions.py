"""Provinces and cities of China, found in what people type as region or address (item 002-30)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from segmenter import texts

Place = tuple[str, str]
"""province key and city ("" unknown)"""


@cache
def provinces() -> Mapping[str, Mapping[str, Any]]:
    """Every province by key: zh, en, tile, cities (`regions.toml`)."""
    return texts.load("regions.toml")


@cache
def _known() -> tuple[re.Pattern[str], re.Pattern[str], Mapping[str, str], Mapping[str, Place]]:
    by_name = {one["zh"]: key for key, one in provinces().items()}
    by_name |= {one["en"].casefold(): key for key, one in provinces().items()}
    cities: dict[str, Place] = {}
    for key, one in provinces().items():
        for city, counties in one.get("counties", {}).items():
            cities |= dict.fromkeys(counties, (key, city))
    for key, one in provinces().items():
        cities |= {city: (key, city) for city in one["cities"]}
    for name, key in by_name.items():  # a province's name is never another's city: Hainan, Jilin
        if name in cities and cities[name][0] != key:
            del cities[name]

    def any_of(names: Sequence[str]) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))))

    return any_of([*by_name]), any_of([*cities]), by_name, cities


def place(text: str) -> Place:
    """The province and city a region or address names: 浙江省杭州市西湖区, 杭州, 昆山, Shanghai. The first name wins;
    a city must lie in the province before it, so that 上海市南京路 is no address in Nanjing."""
    provinces_in, cities_in, by_name, cities = _known()
    plain = text.casefold()
    province = provinces_in.search(plain)
    city = cities_in.search(plain)
    if province and (not city or province.start() <= city.start()):
        key = by_name[province[0]]
        own = provinces()[key]
        rest = plain[province.end() :]
        inside = (one for one in cities_in.findall(rest) if cities[one][0] == key)
        only = own["cities"][0] if len(own["cities"]) == 1 else ""
        return key, only or next((cities[one][1] for one in inside), own["zh"] if own["zh"] in own["cities"] else "")
    return cities[city[0]] if city else ("", "")
