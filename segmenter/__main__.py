"""The command `segmenter`, also as `python -m segmenter`: one command in a process of its own."""

from segmenter import garbage
from segmenter.cli import main


def program() -> int:
    """Run one command; gives its exit code."""
    garbage.settle()
    try:
        return main()
    finally:
        garbage.settle()


if __name__ == "__main__":
    raise SystemExit(program())
