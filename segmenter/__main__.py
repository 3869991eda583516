"""The command `segmenter`, also as `python -m segmenter`: one command in a process of its own."""

import gc

from segmenter.cli import main


def program() -> int:
    """Run one command; gives its exit code.

    What is left at the end is not searched for cycles: the process ends, and looking through all that pandas has made
    took a sixth of the time of one small workbook. Before that, cycles are looked for seldom rather than every 700
    objects; what is large is in arrays, which need no looking for.
    """
    gc.set_threshold(50_000, 20, 20)
    try:
        return main()
    finally:
        gc.freeze()


if __name__ == "__main__":
    raise SystemExit(program())
