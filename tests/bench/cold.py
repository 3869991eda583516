"""One cold start: `segmenter fill` of a template workbook with 200 customers against a bare script with pandas and
openpyxl; of it, and of the sample with its orders, how much is importing; and what `segmenter --help` imports.

    python tests/bench/cold.py [--rows N] [--rounds N]
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import measure

HERE = Path(__file__).parent
SAMPLE = HERE.parent.parent / "workbook" / "sample.xlsx"
HEAVY = ("pandas", "numpy", "openpyxl", "xlsxwriter", "python_calamine", "rich", "jinja2", "lets_plot", "pyarrow")
RUN = "import sys; from segmenter import process; process.begin(); from segmenter.cli import main\n"
HELP = RUN + "try: main(['--help'])\nexcept SystemExit: pass\n"
FILL = RUN + "main(['fill', sys.argv[1], '-o', sys.argv[2]])\n"
SHOW = "import json; print(json.dumps([name for name in sys.modules if name != '__main__']))"
IMPORT = """
import sys; from importlib import import_module; from segmenter import process; process.begin()
for name in sys.argv[1:]:
    try: import_module(name)
    except ImportError: pass
process.settle()  # as the program does at its end, which looking for garbage would make a sixth longer
"""


def imported(code, *arguments):
    """The modules a program has imported at its end."""
    found = subprocess.run(
        [sys.executable, "-c", code + SHOW, *map(str, arguments)], capture_output=True, check=True, text=True
    )
    return json.loads(found.stdout.splitlines()[-1])


def main():
    options = measure.arguments(__doc__.split("\n\n")[0], rows=200, rounds=11)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.folder or temporary)
        source, out = folder / f"cold-{options.rows}.xlsx", folder / "filled.xlsx"
        python, way = sys.executable, [sys.executable, HERE / "ways.py"]
        measure.run([python, HERE / "books.py", source, options.rows])
        modules = {
            "segmenter fill": imported(FILL, source, out),
            "fill of the sample": imported(FILL, SAMPLE, out),
            "segmenter --help": imported(HELP),
        }
        ways = {
            "segmenter fill": [python, "-m", "segmenter", "fill", source, "-o", out],
            "its imports alone": [python, "-c", IMPORT, *modules["segmenter fill"]],
            "bare pandas+openpyxl": [*way, "pandas_openpyxl", source, out],
            "fill of the sample": [python, "-m", "segmenter", "fill", SAMPLE, "-o", out],
            "the imports of that alone": [python, "-c", IMPORT, *modules["fill of the sample"]],
            "segmenter --help": [python, "-m", "segmenter", "--help"],
            "python, nothing imported": [python, "-c", ""],
        }
        results = measure.alternate(
            measure.chosen(ways, options.ways), options.rounds, lambda: out.unlink(missing_ok=True)
        )
    heavy = {name: [one for one in HEAVY if one in found] for name, found in modules.items()}
    said = {name: "imports " + (", ".join(found) or "none of them") for name, found in heavy.items()}
    sys.stdout.write(f"{options.rows} customers; medians of {options.rounds}\n\n")
    sys.stdout.write(measure.table(results, "segmenter fill", [], lambda name: said.get(name, "")))


if __name__ == "__main__":
    main()
