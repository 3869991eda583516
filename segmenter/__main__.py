"""`python -m segmenter` is the command `segmenter`."""

from segmenter.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
