"""What a process of ours does without: threads nobody needs, and looking for garbage where there is hardly any."""

import gc
import os


def begin() -> None:
    """To be called before numpy is imported, which starts a thread of linear algebra for every core: doing so takes as
    long as importing the rest of it, and nothing here multiplies large matrices."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    settle()


def settle() -> None:
    """What the process has made so far stays to its end and is not looked through again for cycles of objects; what it
    makes from now on is looked through seldom, rather than every 700 objects.

    Looking through what imports alone have made took a sixth of the time of one small workbook when the process ended,
    and a tenth of each workbook of a batch.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
