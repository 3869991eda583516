"""A million customers by twenty dimensions, against the same bins as plain pandas `cut` calls.

python tests/bench/dimensions.py [CUSTOMERS]
"""

from __future__ import annotations

import sys
from itertools import pairwise
from time import perf_counter

import numpy as np
import pandas as pd

from segmenter import catalogue
from segmenter.catalogue import Dimension, Level
from segmenter.frames import Frame
from segmenter.steps.dimensions import Labeller
from segmenter.texts import LANGS

DIMENSIONS = 20
EDGES = (10.0, 30.0, 60.0, 90.0)


def customers(count: int) -> pd.DataFrame:
    """Twenty columns of numbers, five in a hundred missing, and two of words."""
    random = np.random.default_rng(7)
    frame = pd.DataFrame({f"c{i}": random.random(count) * 100 for i in range(DIMENSIONS)})
    frame = frame.mask(random.random(frame.shape) < 0.05)
    cities = np.array(["上海", "北京", "成都", "洛阳", "杭州", ""], dtype=object)
    return frame.assign(region=random.choice(cities, count), price_sensitivity=random.choice(["sensitive", ""], count))


def bins(number: int) -> Dimension:
    """Five levels of one column."""
    edges = [f"c{number} < {EDGES[0]}", *(f"c{number} >= {a} & c{number} < {b}" for a, b in pairwise(EDGES)), "*"]
    levels = tuple(Level(dict.fromkeys(LANGS, str(i)), catalogue.parse(text)) for i, text in enumerate(edges))
    return Dimension(f"d{number}", dict.fromkeys(LANGS, f"d{number}"), levels=levels)


def best(run: object, times: int = 5) -> float:
    """Seconds of the fastest of some runs."""
    spent = []
    for _ in range(times):
        start = perf_counter()
        run()  # type: ignore[operator]
        spent.append(perf_counter() - start)
    return min(spent)


def main(count: int) -> None:
    """Print both times, their ratio, and what our shipped dimensions of words take."""
    frame = customers(count)
    known = catalogue.shipped().with_own([bins(i) for i in range(DIMENSIONS)])
    own = [known.dimensions[f"d{i}"] for i in range(DIMENSIONS)]

    def ours() -> list[np.ndarray]:
        labeller = Labeller(Frame.from_pandas(frame), known)
        return [labeller.label(one).codes for one in own]

    def plain() -> list[pd.Series]:
        edges = [-np.inf, *EDGES, np.inf]
        return [pd.cut(frame[f"c{i}"], edges, right=False) for i in range(DIMENSIONS)]

    for mine, theirs in zip(ours(), plain(), strict=True):
        assert (mine == theirs.cat.codes.to_numpy()).all()
    a, b = best(ours), best(plain)
    sys.stdout.write(
        f"{count:,} customers by {DIMENSIONS} dimensions: {a:.2f} s; pandas cut {b:.2f} s; ratio {a / b:.2f}\n"
    )
    words = [known.dimensions[key] for key in ("tier", "province", "price_level")]
    c = best(lambda: [Labeller(Frame.from_pandas(frame), known).label(one) for one in words], 3)
    sys.stdout.write(f"tier, province and price sensitivity of {count:,}: {c:.2f} s\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
