"""What several tests share."""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--corpus", metavar="DIR", help="a folder of workbooks, each of which is filled and proven")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "corpus_book" in metafunc.fixturenames:
        folder = metafunc.config.getoption("--corpus")
        suffixes = {".xlsx", ".xlsm", ".xltx", ".xltm"}
        found = sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in suffixes) if folder else []
        metafunc.parametrize("corpus_book", found, ids=lambda path: path.name)
