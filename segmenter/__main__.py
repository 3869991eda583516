"""The command `segmenter`, also as `python -m segmenter`: one command in a process of its own."""

from segmenter import process
from segmenter.cli import main


def program() -> int:
    """Run one command; gives its exit code."""
    process.begin()
    try:
        return main()
    finally:
        process.settle()


if __name__ == "__main__":
    raise SystemExit(program())
