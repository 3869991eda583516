"""Between `Rules` and the 设置 sheet: one row a setting, in the words of the workbook's language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any

from segmenter import schema, texts
from segmenter.books import Grid
from segmenter.cells import address
from segmenter.errors import Refused
from segmenter.findings import Finding
from segmenter.frames import Frame
from segmenter.matching import Match, Segment
from segmenter.reading import headers, values
from segmenter.reading.dates import day_of
from segmenter.rules import CHOICES, KINDS, TABLES, Rules, default
from segmenter.texts import LANGS, Lang

_LISTS = frozenset(key for key, kind in KINDS.items() if "tuple" in str(kind))
_DAYS = frozenset(key for key, kind in KINDS.items() if kind == (date | None))
_NUMBERS = frozenset(key for key, kind in KINDS.items() if "float" in str(kind))
_LIKENESS = 0.75
"""how like a setting's name a note must be to be taken for one mistyped"""
_SPLIT = r"[,，、;；\n]+"


def _keys() -> list[str]:
    return [name for name in Rules._fields if name not in ("version", "bin_scores", *TABLES)]


def _words(key: str) -> Sequence[str]:
    """The words a setting takes; none when it takes numbers, dates or free text."""
    if KINDS[key] is bool:
        return ("yes", "no")
    return CHOICES.get(key, ())


def _show(key: str, value: Any, lang: Lang) -> Any:
    """A setting's value as a cell shows it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return texts.say("word.yes" if value else "word.no", lang)
    if isinstance(value, tuple):
        return (", " if lang == "en" else "，").join(str(_show(key, one, lang)) for one in value) or None
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, str) and value in _words(key):
        return texts.say(f"word.{value}", lang)
    return value if value != "" else None


def show_match(match: Match, lang: Lang) -> str:
    """A segment's pattern as a cell shows it: the column by its header, the value by its name."""
    code = texts.say("word.new", lang) if match.code == "new" else match.code
    if not match.column:
        return code
    column = schema.CUSTOMERS[match.column]
    names = {choice.key: choice.name[lang] for choice in schema.choices(column.choices)} if column.choices else {}
    return f"{code} & {column.header[lang]}={names.get(match.value, match.value)}"


def to_frame(rules: Rules, lang: Lang) -> Frame:
    """The rows of the 设置 sheet: name, value, explanation; the segment rules last, in their order."""
    rows: list[tuple[str, Any, str]] = [
        (texts.say("settings.version", lang), rules.version, texts.say("settings.version_explain", lang))
    ]
    for key in _keys():
        value = _show(key, getattr(rules, key), lang)
        rows.append((texts.say(f"setting.{key}.name", lang), value, texts.say(f"setting.{key}.explain", lang)))
    for segment in rules.segments:
        patterns = "; ".join(show_match(match, lang) for match in segment.match)
        rows.append(
            (
                texts.say("settings.segment", lang) + segment.name[lang],
                patterns,
                texts.say("settings.segment_explain", lang),
            )
        )
    return Frame.of(rows, ("name", "value", "explain"))


def choices_of(key: str, lang: Lang) -> list[str]:
    """What a drop-down of this setting offers; empty when it takes anything else than one word."""
    return [] if key in _LISTS else [texts.say(f"word.{word}", lang) for word in _words(key)]


def name_of(key: str, lang: Lang) -> str:
    """The name the setting has on the sheet."""
    return texts.say(f"setting.{key}.name", lang)


@cache
def _by_name() -> dict[str, str]:
    """The settings by their names on the sheet, folded."""
    by_name = {schema.fold(name_of(key, lang)): key for key in _keys() for lang in LANGS}
    return by_name | {schema.fold(texts.say("settings.version", lang)): "version" for lang in LANGS}


@cache
def _segment_names() -> tuple[str, ...]:
    """How the name of a segment's row begins, folded."""
    return tuple(schema.fold(texts.say("settings.segment", lang)) for lang in LANGS)


def mistyped(name: str) -> str:
    """The name of the setting that a name which is none looks like; "" for a note that looks like none."""
    known = _by_name()
    folded = schema.fold(name)
    if folded in known or folded.startswith(_segment_names()):
        return ""
    from difflib import get_close_matches  # for the few sheets that hold notes

    near = get_close_matches(folded, known, 1, _LIKENESS)
    shown = {schema.fold(name_of(key, lang)): name_of(key, lang) for key in _keys() for lang in LANGS}
    return shown.get(near[0], near[0]) if near else ""


def read(grid: Grid | None) -> tuple[Rules, list[Finding]]:
    """The rules on a 设置 sheet (the defaults where there is none), and what on it may not have been meant so: a value
    that is an error or was never calculated, and a name that is no setting but looks like one."""
    if grid is None:
        return default(), []
    rows = _rows(grid)
    used, unknown = _spelt(tuple((name, type(value), value, cell) for name, value, cell in rows), grid.sheet)
    bad = {address(*place): shown for place, shown in grid.errors.items()}
    bad |= {address(*place): "" for place in grid.uncached}
    doubts = [
        Finding("setting_unread", grid.sheet, cell, bad[cell], params={"name": name})
        for name, _, cell in rows
        if cell in bad
    ]
    return used, [*doubts, *unknown]


@lru_cache(maxsize=16)
def _spelt(rows: tuple[tuple[str, type, Any, str], ...], sheet: str) -> tuple[Rules, tuple[Finding, ...]]:
    """The rules that rows (name, type of the value, value, address) of a 设置 sheet spell, and names that look like a
    setting's: read once for a batch of workbooks made from one template."""
    used = from_rows([(name, value, cell) for name, _, value, cell in rows], default(), sheet)
    unknown = (
        Finding("setting_unknown", sheet, cell, name, params={"nearest": near})
        for name, _, value, cell in rows
        if value is not None and (near := mistyped(name))
    )
    return used, tuple(unknown)


def _rows(grid: Grid) -> list[tuple[str, Any, str]]:
    """The rows of a 设置 sheet: name, value (None when empty), address of the value."""
    header_row, columns = headers.locate(grid, schema.SETTINGS)
    first, column = header_row + 1, columns["value"]
    names, held = (grid.column(one, first).tolist() for one in (columns["name"], column))
    return [
        (str(name), None if values.is_empty(value) else value, address(row, column))
        for row, (name, value) in enumerate(zip(names, held, strict=True), first)
        if not values.is_empty(name)
    ]


def from_rows(rows: Sequence[tuple[str, Any, str]], base: Rules, sheet: str) -> Rules:
    """The rules the sheet's rows (name, value, cell address of the value) spell; what it lacks comes from `base`.

    Refused names the cell of a value that cannot be understood. Rows whose name is no setting are left alone:
    people keep notes there.
    """
    by_name, prefixes = _by_name(), _segment_names()
    found: dict[str, Any] = {}
    segments: list[Segment] = []
    cells: dict[str, tuple[str, str]] = {}
    for name, value, cell in rows:
        folded = schema.fold(name)
        key = "segments" if folded.startswith(prefixes) else by_name.get(folded, "")
        if not key or (value is None and key in ("version", "segments")):
            continue
        if key in found:
            raise Refused("setting_twice", sheet=sheet, cell=cell, name=name)
        cells[key] = (name, cell)
        try:
            if key == "segments":
                segments.append(_read_segment(re.split(r"[:：]", name, maxsplit=1)[-1].strip(), value, base))
            else:
                found[key] = _plain(value) if key == "version" else _read(key, value)
        except (ValueError, KeyError):
            what = "setting_empty" if value is None else "setting"
            raise Refused(what, sheet=sheet, cell=cell, value=value, name=name) from None
    used = base._asdict() | found
    if segments:
        used["segments"] = tuple(segments)
    try:
        return Rules(**used)
    except Refused as error:
        name, cell = cells.get(str(error.params.get("setting")), ("", ""))
        if not cell:
            raise
        why, shown = error.params["why"], error.value
        raise Refused("setting_rule", sheet=sheet, cell=cell, value=shown, name=name, why=why) from None


def _plain(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, date) else str(value).strip()


@cache
def _by_word(key: str) -> dict[str, str]:
    """The words of a setting by what they are called, folded."""
    called = {word: (word, *(texts.say(f"word.{word}", lang) for lang in LANGS)) for word in _words(key)}
    return {schema.fold(name): word for word, names in called.items() for name in names}


def _word(key: str, text: str) -> str:
    """The word of a setting that a text is; KeyError when it is none."""
    return _by_word(key)[schema.fold(text)]


def _read(key: str, value: Any) -> Any:
    """A cell's value as the type of the setting; ValueError or KeyError when it is none."""
    kind = KINDS[key]
    text = "" if value is None else _plain(value)
    if key in _LISTS:
        parts = [part.strip() for part in re.split(_SPLIT, text) if part.strip()]
        if key in _NUMBERS:
            return tuple(float(part) for part in parts)
        return tuple(_word(key, part) for part in parts) if _words(key) else tuple(parts)
    if key in _DAYS:
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date) or not text:
            return value or None
        return day_of(text)
    if kind is bool:
        if isinstance(value, bool):
            return value
        return _word(key, text or "no") == "yes"
    if kind in (int, float):
        number = float(text)
        if kind is int and not number.is_integer():
            raise ValueError(text)
        return kind(number)
    if not _words(key):
        return text
    return _word(key, text)


def _read_segment(name: str, value: Any, base: Rules) -> Segment:
    """A rule row: patterns for a segment, which keeps the default texts when `base` has it.
    ValueError or KeyError when it makes no sense."""
    text = _plain(value).zfill(3) if isinstance(value, float) else unicodedata.normalize("NFKC", _plain(value))
    new = {schema.fold(texts.say("word.new", lang)) for lang in LANGS}
    matches = []
    for part in filter(str.strip, re.split(r"[;\n]", text)):
        code, _, condition = part.partition("&")
        code = "new" if schema.fold(code) in new else schema.fold(code)
        matches.append(Match.parse(f"{code} & {_condition(condition)}" if condition else code))
    if not name or not matches:
        raise ValueError(name)
    if known := base.named.get(schema.fold(name)):
        return known._replace(match=tuple(matches))
    return Segment(key=name, match=tuple(matches), name=dict.fromkeys(LANGS, name))


def _condition(text: str) -> str:
    """A condition in the words of the sheet, 价格敏感度=敏感, as "price_sensitivity = sensitive"."""
    left, _, right = text.partition("=")
    for column in schema.CUSTOMERS.fields:
        if schema.fold(left) in column.names() | {schema.fold(column.key)}:
            for choice in schema.choices(column.choices) if column.choices else ():
                if schema.fold(right) in {schema.fold(n) for n in (choice.key, *choice.name.values(), *choice.aliases)}:
                    return f"{column.key} = {choice.key}"
            return f"{column.key} = {right.strip()}"
    raise KeyError(left)
