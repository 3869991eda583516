"""What several tests share."""

import os
from pathlib import Path

import openpyxl
import pytest
from hypothesis import settings

from segmenter import schema

# on CI the same examples every time: a new one found there would stop somebody else's change
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

REFUSED = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--corpus", metavar="DIR", help="a folder of workbooks, each of which is filled and proven")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if collection_path.name == "test_corpus.py" and not config.getoption("--corpus") else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "corpus_book" in metafunc.fixturenames:
        suffixes = {".xlsx", ".xlsm", ".xltx", ".xltm"}
        folder = metafunc.config.getoption("--corpus")
        found = sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in suffixes) if folder else []
        metafunc.parametrize("corpus_book", found, ids=lambda path: path.name)


@pytest.fixture
def refused_book(request: pytest.FixtureRequest):
    """Told the reason when a workbook of the corpus is refused; the summary lists them."""
    return request.config.stash.setdefault(REFUSED, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for reason in config.stash.get(REFUSED, []):
        terminalreporter.write_line(f"refused: {reason}")


@pytest.fixture(scope="session")
def small_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 120 customers of the sample with their orders: not to be written to."""
    path = tmp_path_factory.mktemp("sample") / "small_sample.xlsx"
    book = openpyxl.load_workbook(Path(__file__).parent.parent / "workbook" / "sample.xlsx")
    customers, orders = (book[table.sheet["zh"]] for table in (schema.CUSTOMERS, schema.ORDERS))
    customers.delete_rows(122, customers.max_row)
    known = {row[0] for row in customers.values}
    lines = [row for row in orders.values if row[1] in known]
    orders.delete_rows(2, orders.max_row)
    for line in lines[1:]:
        orders.append(line)
    for sheet in (customers, orders):
        (table,) = sheet.tables.values()
        table.ref = table.autoFilter.ref = sheet.dimensions
    book.save(path)
    return path
