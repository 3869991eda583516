"""Every text stands in both languages, is used, and stands nowhere else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

from segmenter import schema, texts

ROOT = Path(__file__).parents[1]
CODE = sorted(path for path in (ROOT / "segmenter").rglob("*.py") if "__pycache__" not in path.parts)
TEMPLATES = sorted((ROOT / "templates").glob("*.j2"))
VOCABULARY = {"amounts.py", "dates.py", "targets.py", "planning.py", "livelist.py"}
"""what people and Excel write: 元, 万, 年, 已完成 are read here, never shown"""
GROUP = re.compile(r"[a-z_]+\.")
CJK = re.compile("[\u3400-\u9fff]")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def docstrings(module: ast.Module) -> set[int]:
    """Ids of string nodes that stand alone as a statement."""
    return {
        id(node.value)
        for node in ast.walk(module)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Line and value of every string of a module that is no docstring."""
    module = tree(path)
    spared = docstrings(module)
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in spared:
            yield node.lineno, node.value


def holes(text: str) -> set[str]:
    return {name.split(".")[0] for _, name, _, _ in Formatter().parse(text) if name is not None}


@cache
def everything() -> str:
    folders = (ROOT / "templates", ROOT / "workbook")
    files = [*TEMPLATES, *(path for folder in folders for path in sorted(folder.rglob("*.py")))]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


@cache
def patterns() -> tuple[set[str], list[re.Pattern[str]]]:
    """The strings of the code, and its f-strings as patterns, their holes standing for one or more characters."""
    literal, made = set(), []
    for path in CODE:
        literal |= {value for _, value in strings(path)}
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.JoinedStr) and GROUP.match(str(getattr(node.values[0], "value", ""))):
                parts = [re.escape(str(p.value)) if isinstance(p, ast.Constant) else ".+" for p in node.values]
                made.append(re.compile("".join(parts)))
    return literal, made


KEYS = sorted(texts.keys())


def test_a_text_says_the_same_in_both_languages() -> None:
    for key in KEYS:
        both = texts.both(key)
        assert set(both) == set(texts.LANGS), key
        assert all(isinstance(one, str) and one.strip() for one in both.values()), key
        assert holes(both["zh"]) == holes(both["en"]), key
        assert not CJK.search(both["en"]), key


def test_a_text_that_lacks_a_language_is_not_overlooked() -> None:
    for file in sorted((ROOT / "segmenter" / "texts").glob("*.toml")):
        for path, node in leaves(texts.load(f"texts/{file.name}"), ""):
            assert set(node) == set(texts.LANGS), f"{file.name}: {path}"


def leaves(node: dict[str, object], prefix: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Every innermost table."""
    if all(isinstance(value, dict) for value in node.values()):
        for key, value in node.items():
            assert isinstance(value, dict)
            yield from leaves(value, f"{prefix}{key}.")
    else:
        yield prefix, node


def test_every_text_is_used() -> None:
    assert [key for key in KEYS if not is_used(key)] == []
    assert not is_used("finding.nobody_says_this") and not is_used("nobody.says_this")


def is_used(key: str) -> bool:
    """Whether the code, a template or the workbook's script spells the key, whole or from its dot on; or, for what
    is said of the data, its name."""
    literal, made = patterns()
    group, _, name = key.partition(".")
    if group in ("finding", "kind", "error", "rule"):
        made_up = name.removeprefix("ambiguous_") in literal or name.removeprefix("outlier_") in (
            "flag",
            "remove",
            "cap",
        )
        return name in literal or made_up or name in everything()
    begins = any(key.startswith(one) for one in literal if len(one) > 4 and "." in one)
    begins = begins or any(key[: at + 1] + "{" in everything() for at, char in enumerate(key) if char == ".")
    templated = begins or key in everything() or f'"{name}"' in everything() or f"'{name}'" in everything()
    relative = any(key.endswith(f".{one}") for one in literal if len(one) > 2)
    return key in literal or relative or templated or any(one.fullmatch(key) for one in made)


def called(name: str) -> Iterator[tuple[Path, ast.Call]]:
    for path in CODE:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                yield path, node


def constants(node: ast.expr) -> list[str]:
    """The strings a first argument can be: itself, or both sides of a condition."""
    if isinstance(node, ast.IfExp):
        return [*constants(node.body), *constants(node.orelse)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


@pytest.mark.parametrize(
    ("callee", "groups"), [("Finding", ("finding", "kind")), ("Refused", ("error",)), ("WrongUsage", ("error",))]
)
def test_what_the_code_says_has_a_text(callee: str, groups: tuple[str, ...]) -> None:
    said = {key for _, call in called(callee) if call.args for key in constants(call.args[0])}
    assert said
    missing = {f"{group}.{key}" for key in said for group in groups} - {*KEYS}
    assert missing <= {"kind.kept"}


def test_every_code_of_a_reader_has_a_text() -> None:
    """Problems and notes of columns, and reasons to leave a row out, are findings under the same name."""
    for name in ("amounts.py", "dates.py", "values.py", "measure.py", "clean.py", "orders.py"):
        for line, value in strings(next((ROOT / "segmenter").rglob(name))):
            if re.fullmatch(r"(not|no|date|number|id|line|out_of|orders|duplicate|total|age)(_[a-z0-9]+){1,3}", value):
                known = f"finding.{value}" in KEYS and f"kind.{value}" in KEYS
                error = f"error.{value}" in KEYS or f"error.ambiguous_{value}" in KEYS
                is_column = value in {field.key for table in schema.tables().values() for field in table.fields}
                assert known or is_column or value == "no_recency" or error, f"{name}:{line} {value}"


def test_no_code_without_a_short_name() -> None:
    of = {
        group: {key.partition(".")[2] for key in KEYS if key.startswith(f"{group}.")} for group in ("finding", "kind")
    }
    assert of["finding"] <= of["kind"]


@pytest.mark.parametrize("path", [one for one in CODE if one.name not in VOCABULARY], ids=lambda path: path.name)
def test_no_chinese_in_the_code(path: Path) -> None:
    assert [(line, value) for line, value in strings(path) if CJK.search(value)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_chinese_in_the_templates(path: Path) -> None:
    assert not CJK.search(re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL))


def test_a_missing_text_or_hole_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        texts.say("no.such.text", "zh")
    with pytest.raises(KeyError):
        texts.say("cell.f", "zh")
    assert texts.say("cell.f", "zh", count=5) == "5次"


def test_data_in_both_languages() -> None:
    for table in schema.tables().values():
        assert set(table.sheet) == set(texts.LANGS)
        for field in table.fields:
            assert set(field.header) == set(texts.LANGS)
            if field.choices:
                assert schema.choices(field.choices)
            if field.field_class:
                assert schema.class_name(field.field_class, "zh")


def test_english_reads_well_of_one() -> None:
    for key in ("recency", "frequency"):
        said = texts.say(f"report.chart.{key}_alt", "en", count="8", median="1", edges="2, 5")
        assert not re.search(r"\b1 (days|orders)", said)
    said = texts.say("report.chart.heat_alt", "en", r="31-90 days", f="1 order", count="1", mean="39,916")
    assert "1 customers" not in said
