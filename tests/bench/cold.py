"""One cold start: `segmenter fill` of a template workbook with 200 customers against a bare script with pandas and
openpyxl, and what `segmenter --help` imports.

    python tests/bench/cold.py [--rows N] [--rounds N]
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import measure

HERE = Path(__file__).parent
HEAVY = ("pandas", "numpy", "openpyxl", "xlsxwriter", "python_calamine", "rich", "jinja2", "lets_plot", "pyarrow")
HELP = "import sys; from segmenter.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
IMPORTS = "from segmenter import process; process.begin(); from segmenter import cli, commands\n"
FILL = "import sys; from segmenter.cli import main; main(['fill', sys.argv[1], '-o', sys.argv[2]])\n"
SHOW = f"print('imported:', *sorted({HEAVY!r} & sys.modules.keys()))"


def imported(code, *arguments):
    """Which of the heavy packages a program has imported at its end."""
    code += SHOW.replace(repr(HEAVY), repr(set(HEAVY)))
    found = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, check=True, text=True
    )
    return found.stdout.splitlines()[-1].removeprefix("imported:").split()


def main():
    options = measure.arguments(__doc__.split("\n\n")[0], rows=200, rounds=11)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.folder or temporary)
        source, out = folder / f"cold-{options.rows}.xlsx", folder / "filled.xlsx"
        python, way = sys.executable, [sys.executable, HERE / "ways.py"]
        measure.run([python, HERE / "books.py", source, options.rows])
        ways = {
            "segmenter fill": [python, "-m", "segmenter", "fill", source, "-o", out],
            "its imports alone": [python, "-c", IMPORTS],
            "bare pandas+openpyxl": [*way, "pandas_openpyxl", source, out],
            "segmenter --help": [python, "-m", "segmenter", "--help"],
            "python, nothing imported": [python, "-c", ""],
        }
        results = measure.alternate(
            measure.chosen(ways, options.ways), options.rounds, lambda: out.unlink(missing_ok=True)
        )
        notes = {"segmenter --help": HELP, "segmenter fill": FILL}
        said = {
            name: "imports " + (", ".join(imported(code, source, out)) or "none of them")
            for name, code in notes.items()
        }
    sys.stdout.write(f"{options.rows} customers; medians of {options.rounds}\n\n")
    sys.stdout.write(measure.table(results, "segmenter fill", [], lambda name: said.get(name, "")))


if __name__ == "__main__":
    main()
