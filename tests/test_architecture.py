"""Imports point inward: words <- rules <- readers <- steps <- pipeline <- edges <- jobs <- doors."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "segmenter"
WORDS = {"atomic", "errors", "texts", "schema", "cells", "frames", "grouping", "phrases", "findings", "advice"}
RULES = {"catalogue", "matching", "rules", "demands"}
READERS = {
    "column",
    "amounts",
    "dates",
    "values",
    "headers",
    "intake",
    "settings",
    "wording",
    "result",
    "books",
    "labels",
    "regions",
    "survey",
    "lifetime",
}
STEPS = {
    *("orders", "clean", "measure", "scale", "score", "segment", "plan", "rfm", "board"),
    *("history", "migration"),
    *("clusters", "valuation"),
    *("dimensions", "cross", "personas"),
}
STEPS |= {"goals", "proposals", "reconcile"}
READERS |= {"departed", "delimited", "footers", "notes", "kept", "planning", "targets", "metrics"}
PIPELINE = {"facets", "onrequest", "nextround", "pipeline", "timeline"}
JOBS = {
    "jobs",
    "documents",
    "letters",
    "manifest",
    "outbox",
    "compare",
    "exporting",
    "importing",
}
JOBS |= {"sources"}
JOBS |= {"worklist", "rows", "journal", "pools", "running", "folder", "tables"}  # of a batch
DOORS = {
    "cli",
    "commands",
    "commands_compare",
    "commands_excel",
    "commands_export",
    "commands_mail",
    "commands_report",
    "functions",
    "ribbon",
    "buttons",
    "__main__",
}
LAYERS = (WORDS, RULES, READERS, STEPS, PIPELINE)
CORE = set().union(*LAYERS)


GROUPS = ("batch", "reading", "steps", "reports", "mail")
"""folders that only group modules: their names are left out here"""


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[parts[0] in GROUPS :]).removesuffix(".__init__")


MODULES = {name_of(path): path for path in sorted(ROOT.rglob("*.py"))}
for empty in ("", *GROUPS):
    MODULES.pop(empty or "__init__", None)


def ungrouped(module: str) -> str:
    parts = module.split(".")[1:]
    return ".".join(parts[bool(parts) and parts[0] in GROUPS :])


@cache
def imports(name: str, lazily: bool = True) -> frozenset[str]:
    """Modules of ours that a module imports; `lazily`: also inside functions. Under TYPE_CHECKING nothing happens."""
    module = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    spared = {
        id(n)
        for node in ast.walk(module)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for n in ast.walk(node)
    }
    if not lazily:
        spared |= {id(n) for node in ast.walk(module) if isinstance(node, ast.FunctionDef) for n in ast.walk(node)}
    found = set()
    for node in ast.walk(module):
        if id(node) in spared:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "segmenter":
            base = ungrouped(node.module)
            for alias in node.names:
                full = f"{base}.{alias.name}".removeprefix(".")
                found.add(full if full in MODULES else base)
        elif isinstance(node, ast.Import):
            found |= {ungrouped(alias.name) for alias in node.names if alias.name.startswith("segmenter.")}
    return frozenset(found - {"", name})


def rank(name: str) -> int:
    return next(position for position, layer in enumerate(LAYERS) if name in layer)


@pytest.mark.parametrize("name", sorted(CORE))
def test_the_core_looks_inward(name: str) -> None:
    for other in imports(name):
        assert other in CORE, f"{name} imports {other}"
        assert rank(other) <= rank(name), f"{name} imports {other}"
        if name in STEPS:
            assert other not in STEPS, f"the step {name} imports the step {other}"


@pytest.mark.parametrize("name", sorted(set(MODULES) - DOORS))
def test_nothing_imports_a_door(name: str) -> None:
    assert not imports(name) & DOORS


@pytest.mark.parametrize("name", sorted(set(MODULES) - CORE - JOBS - DOORS))
def test_edges_do_not_know_jobs(name: str) -> None:
    assert not imports(name) & JOBS


@pytest.mark.parametrize("name", sorted(one for one in MODULES if one.startswith("books.")))
def test_books_know_tables_and_cells_and_no_customers(name: str) -> None:
    assert not imports(name) & (STEPS | PIPELINE | {"report", "mail", "charts", "sources", "rules"})


@pytest.mark.parametrize("name", sorted(set(MODULES) - CORE - JOBS - DOORS))
def test_edges_do_not_reach_into_books(name: str) -> None:
    if not name.startswith("books"):
        assert not {one for one in imports(name) if one.startswith("books.")}


def test_no_module_imports_itself_in_a_circle() -> None:
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name not in done:
            for other in imports(name, lazily=False) & set(MODULES):
                walk(other, (*path, name))
            done.add(name)

    for name in MODULES:
        walk(name, ())


@pytest.mark.parametrize("name", sorted(MODULES))
def test_xlwings_is_known_in_one_place(name: str) -> None:
    text = MODULES[name].read_text(encoding="utf-8")
    module = ast.parse(text)
    found = [
        node
        for node in ast.walk(module)
        if (isinstance(node, ast.Import) and any(one.name.split(".")[0] == "xlwings" for one in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "xlwings")
    ]
    assert not found or name in ("running_excel", "buttons", "functions") or name.startswith("books.live")


@pytest.mark.parametrize("name", sorted(CORE))
def test_the_core_knows_no_clock_and_no_file(name: str) -> None:
    """The doors alone ask what day it is."""
    module = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    calls = {ast.unparse(node.func) for node in ast.walk(module) if isinstance(node, ast.Call)}
    assert not {
        one for one in calls if one.endswith((".today", ".now", ".utcnow")) or one in ("open", "print", "input")
    }


def test_help_loads_no_pandas() -> None:
    code = "import sys; from segmenter.cli import main; main(sys.argv[1:])"
    loaded = "'HEAVY', 'pandas' in sys.modules, 'numpy' in sys.modules"
    script = f"import atexit, sys\natexit.register(lambda: print({loaded}))\n{code}"
    for arguments in (["--help"], ["fill", "--help"], ["--version"]):
        done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
        assert "HEAVY False False" in done.stdout, done.stderr


@pytest.mark.parametrize("name", sorted(CORE))
def test_a_module_is_one_idea(name: str) -> None:
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) < 350
