"""The command `export`: labels for campaigns and BI."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from segmenter import texts
from segmenter.progress import Stages
from segmenter.texts import Lang


def export_options(parser: argparse.ArgumentParser, say: Mapping[str, str]) -> None:
    """What `export` takes besides the workbook, the as-of date and the rules."""
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="OUT.csv", help=say["help_export_out"])
    parser.add_argument("--for", dest="system", default="", metavar="SYSTEM", help=say["help_export_for"])
    parser.add_argument("--columns", default="", metavar="A,B", help=say["help_export_columns"])


def export(chosen: argparse.Namespace, lang: Lang) -> int:
    """Write the labels, and say how many."""
    from segmenter import exporting, jobs

    columns = [one.strip() for one in chosen.columns.replace("，", ",").split(",") if one.strip()]
    with Stages(lang) as stage:
        result, frame, paths = exporting.write(
            chosen.book,
            chosen.out,
            system=chosen.system,
            columns=columns,
            as_of=chosen.as_of,
            rules_file=chosen.rules,
            lang=chosen.lang,
            progress=stage,
        )
    if chosen.json:
        told = {"status": result.status, "customers": len(frame), "columns": [*frame.columns]}
        print(json.dumps({**told, "outputs": [*map(str, paths)]}, ensure_ascii=False, indent=2))
        return 0
    for remark in jobs.remarks(result, chosen.lang or result.lang):
        print(remark)
    print(texts.say("cli.exported", lang, customers=len(frame), columns=", ".join(frame.columns)))
    for path in paths:
        print(texts.say("cli.written", lang, path=path))
    return 0
