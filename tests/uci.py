"""A real shop: the orders of 4,338 customers over a year, one row an order.

Online Retail, UCI Machine Learning Repository (doi 10.24432/C5BW33, CC BY 4.0), changed: the lines of each invoice
summed, lines without a customer, cancellations and free lines left out.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

PATH = Path(__file__).with_name("uci_orders.csv.gz")


@cache
def orders() -> pd.DataFrame:
    """ordered_on (datetime64), customer_id (text), amount; 18,532 orders, 2010-12-01 to 2011-12-09."""
    kinds: dict[Any, Any] = {"customer_id": str}
    return pd.read_csv(PATH, dtype=kinds, parse_dates=["ordered_on"])
