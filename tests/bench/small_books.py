"""A thousand template workbooks of 200 customers, the whole job: read, scored, filled, saved. One process each way.

python tests/bench/small_books.py [--books N] [--rows N] [--rounds N]
"""

import shutil
import sys
import tempfile
from pathlib import Path

import measure

HERE = Path(__file__).parent
NOTES = {
    "segmenter": "every sheet of ours, proven, saved safely",
    "segmenter batch": "the same and the tables of the batch, one worker",
    "openpyxl+pandas": "result sheet and counts of the plan",
}


def main():
    options = measure.arguments(__doc__.split("\n\n")[0], books=1000, rows=200, rounds=3)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.folder or temporary)
        source, out = folder / f"books-{options.books}-{options.rows}", folder / "filled"
        python, way = sys.executable, [sys.executable, HERE / "ways.py"]
        if not source.exists():
            measure.run([python, HERE / "books.py", source, options.rows, options.books])
        ways = {
            "segmenter": [*way, "segmenter", source, out],
            "segmenter batch": [python, "-m", "segmenter", "batch", source, "-o", out, "--jobs", "1"],
            "openpyxl+pandas": [*way, "many", source, out],
        }

        def fresh():
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir()

        results = measure.alternate(measure.chosen(ways, options.ways), options.rounds, fresh)
    sys.stdout.write(f"{options.books:,} workbooks of {options.rows} customers; medians of {options.rounds}\n\n")
    sys.stdout.write(measure.table(results, "segmenter", [], lambda name: f"{NOTES[name]}"))
    for name, costs in results.items():
        if not isinstance(costs, str):
            sys.stdout.write(f"\n{name}: {1000 * measure.median(costs).cpu / options.books:.1f} ms a workbook")
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
