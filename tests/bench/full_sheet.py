"""The full Excel sheet: 1,048,575 customers of 11 columns, read, scored, filled, saved. Ours and the rivals, strictly
alternating, in CPU time and peak memory.

    python tests/bench/full_sheet.py [--rows N] [--rounds N] [--ways WAY...] [--folder DIR]

The rivals need `pip install -r tests/bench/requirements.txt`. At the full size openpyxl wants 10 GB and ten minutes;
`--rows 100000` takes two minutes. Ratios are to be quoted, not seconds.
"""

import sys
import tempfile
from pathlib import Path

import measure

HERE = Path(__file__).parent
FULL = 1_048_575
NOTES = {
    "segmenter": "all sheets of ours, template kept, proven",
    "segmenter, a month later": "the filled workbook filled again",
    "openpyxl": "result sheet; template kept as far as openpyxl does",
    "pandas+calamine+XlsxWriter": "all sheets rewritten: values only",
    "polars": "results alone",
    "fastexcel+rustpy": "results alone",
    "floor": "inflate the input, deflate the output: zlib, level 1",
    "floor-isal": "the same with isal",
}


def main():
    options = measure.arguments(__doc__.split("\n\n")[0], rows=FULL, rounds=3)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.folder or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        source, out = folder / f"customers-{options.rows}.xlsx", folder / "filled.xlsx"
        earlier = folder / "earlier.xlsx"
        python, way = sys.executable, [sys.executable, HERE / "ways.py"]
        if not source.exists():
            measure.run([python, HERE / "books.py", source, options.rows])
        fill = [python, "-m", "segmenter", "fill"]
        ours = [*fill, source, "-o", out]
        measure.run(ours)
        measure.run([*fill, source, "-o", earlier, "--as-of", "2026-06-01"])
        text = folder / "written.xml"
        measure.run([*way, "changed", source, out, text])
        ways = {
            "segmenter": ours,
            "segmenter, a month later": [*fill, earlier, "-o", out],
            "openpyxl": [*way, "openpyxl_", source, out],
            "pandas+calamine+XlsxWriter": [*way, "pandas_calamine", source, out],
            "polars": [*way, "polars_", source, out],
            "fastexcel+rustpy": [*way, "fastexcel_rustpy", source, out],
            "floor": [*way, "floor", source, text],
            "floor-isal": [*way, "floor_isal", source, text],
        }
        sizes = f"{source.stat().st_size / 1e6:,.0f} MB read, {text.stat().st_size / 1e6:,.0f} MB of XML written"
        results = measure.alternate(
            measure.chosen(ways, options.ways), options.rounds, lambda: out.unlink(missing_ok=True)
        )
    sys.stdout.write(f"{options.rows:,} customers by 11 columns; {sizes}; medians of {options.rounds}\n\n")
    sys.stdout.write(measure.table(results, "segmenter", ["floor"], NOTES.get))


if __name__ == "__main__":
    main()
