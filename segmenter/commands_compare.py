"""The command `compare`: who moved between two filled workbooks, in words, as an object for scripts, as sheets."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from segmenter import texts
from segmenter.texts import Lang

if TYPE_CHECKING:
    from segmenter.compare import Compared

SHOWN: Final = 5
"""so many moves are listed, the dearest losses"""
NUMBERS: Final = ("customers", "share", "before", "after", "lost")


def compare_options(parser: argparse.ArgumentParser, say: Mapping[str, str]) -> None:
    """What `compare` takes."""
    parser.add_argument("old", type=Path, metavar="OLD.xlsx", help=say["help_compare_old"])
    parser.add_argument("new", type=Path, metavar="NEW.xlsx", help=say["help_compare_new"])
    parser.add_argument("-o", "--out", type=Path, metavar="OUT.xlsx", help=say["help_compare_out"])
    parser.add_argument("--json", action="store_true", help=say["help_json"])


def compare(chosen: argparse.Namespace, lang: Lang) -> int:
    """Compare, and say what came of it."""
    from segmenter import compare as job

    found = job.compare(chosen.old, chosen.new, chosen.out)
    shown = chosen.lang or found.lang
    if chosen.json:
        print(json.dumps(_summary(found, shown, chosen.out), ensure_ascii=False, indent=2, allow_nan=False))
    else:
        _say(found, shown)
        if chosen.out:
            print(texts.say("cli.written", shown, path=chosen.out))
    return 0


def _say(found: Compared, lang: Lang) -> None:
    from segmenter import schema
    from segmenter.commands import _table as table
    from segmenter.steps import migration

    cells = found.migration.cells
    then = int(cells["customers"][cells["start"] != migration.ENTERED].sum())
    now = int(cells["customers"][cells["end"] != migration.LEFT].sum())
    days = {"before": found.migration.before, "after": found.migration.after}
    print(texts.say("cli.compared", lang, **days, then=then, now=now))
    for finding in found.findings:
        print("! " + finding.message(lang))
    blocks = migration.sheets(found.migration, found.rules, lang)
    heads = [(row["name"], row["customers"], row["share"]) for row in blocks["migration_heads"].records()]
    table([(f"  {name}", f"{n:,.0f}", "" if share is None else f"{share:.1%}") for name, n, share in heads], True)
    print(texts.say("cli.compare_matrix", lang))
    counts = blocks["migration_counts"]
    start, *others = counts.columns
    kept = [key for key in others if counts[key][-1]]
    names = {field.key: field.header[lang] for field in schema.table("migration_counts").fields}
    rows = [("", *(names[key] for key in kept))]
    for name, *people in zip(*(counts[key].tolist() for key in (start, *kept)), strict=True):
        if people[-1]:
            rows.append((f"  {name}", *("" if n is None else f"{n:,.0f}" for n in people)))
    table(rows, True)
    lost = [one._asdict() for one in migration.ranked(cells) if one.lost > 0][:SHOWN]
    if lost:
        print(texts.say("cli.compare_lost", lang))
    for row in lost:
        places = {key: migration.place_name(row[key], lang) for key in ("start", "end")}
        share = ""
        if row["share"] == row["share"]:
            share = texts.say("cli.compare_share", lang, start=places["start"], share=row["share"])
        numbers = {key: row[key] for key in ("customers", "before", "after", "lost")}
        print("  " + texts.say("cli.compare_move", lang, **places, **numbers, share=share))


def _summary(found: Compared, lang: Lang, out: Path | None) -> dict[str, Any]:
    """The object of --json; shares are null where fewer than five moved, "none" is who has no code."""
    from segmenter.steps import migration

    moved: dict[str, dict[str, int]] = {}
    for one in migration.by_code(found.migration.cells):
        moved.setdefault(one.start or "none", {})[one.end or "none"] = one.customers
    entered = moved.pop(migration.ENTERED, {})
    left = {start: ends.pop(migration.LEFT) for start, ends in moved.items() if migration.LEFT in ends}
    heads = migration.headline(found.migration.cells)
    ranked = [one._asdict() for one in migration.ranked(found.migration.cells)]
    return {
        "status": "findings" if found.findings else "ok",
        "before": found.migration.before.isoformat(),
        "after": found.migration.after.isoformat(),
        "migration": moved,
        "entered": entered,
        "left": left,
        "headline": {key: {name: _number(one[name]) for name in NUMBERS} for key, one in heads.items()},
        "transitions": [
            {"from": row["start"] or "none", "to": row["end"] or "none", **{key: _number(row[key]) for key in NUMBERS}}
            for row in ranked
        ],
        "findings": [{"code": one.code, "message": one.message(lang)} for one in found.findings],
        "outputs": [str(out)] if out else [],
    }


def _number(value: float) -> float | int | None:
    if value != value:
        return None
    return int(value) if value == int(value) else round(float(value), 6)
