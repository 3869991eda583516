"""The command line: a thin door. It reads arguments, calls a job, and is the one place that turns errors into exit
codes: 0 done, 1 refused, 2 wrong usage, 3 a fault of ours, 130 interrupted."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from segmenter import texts
from segmenter.errors import Refused, SegmenterError, WrongUsage
from segmenter.texts import Lang

if TYPE_CHECKING:
    from segmenter.progress import Stages
    from segmenter.result import Result

COLUMNS = ("order_id", "customer_id", "ordered_on", "amount", "category", "channel", "region", "quantity", "unit_price")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    lang = _lang_of(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        chosen = _parser(lang).parse_args(arguments)
        return int(chosen.run(chosen))
    except SegmenterError as error:
        _tell(error, arguments, lang)
        return error.exit_code
    except KeyboardInterrupt:
        print(texts.say("cli.interrupted", lang), file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:  # the boundary: whatever we did not foresee is a fault of ours, told in one sentence
        from segmenter.faults import log

        print(texts.say("cli.fault", lang, kind=type(error).__name__, path=log(error)), file=sys.stderr)
        return 3


def _lang_of(arguments: Sequence[str]) -> Lang:
    """The language asked for; looked up before parsing, because parsing errors are said in it too."""
    for position, argument in enumerate(arguments):
        word = argument.partition("=")[2] if argument.startswith("--lang=") else ""
        if argument == "--lang" and position + 1 < len(arguments):
            word = arguments[position + 1]
        for lang in texts.LANGS:
            if word == lang:
                return lang
    return texts.DEFAULT


def _tell(error: SegmenterError, arguments: Sequence[str], lang: Lang) -> None:
    print(error.message(lang), file=sys.stderr)
    if "--json" in arguments and isinstance(error, Refused):
        refusal = {"code": error.key, "sheet": error.sheet, "cell": error.cell, "value": _plain(error.value)}
        empty: dict[str, Any] = {
            "as_of": None,
            "rows_in": 0,
            "rows_used": 0,
            "rows_excluded": 0,
            "codes": {},
            "segments": {},
            "outputs": [],
        }
        print(_json({"status": "refused", **empty, "findings": [{**refusal, "message": error.message(lang)}]}))


class _Parser(argparse.ArgumentParser):
    """argparse, in the user's language and with our errors."""

    lang: Lang = texts.DEFAULT

    def error(self, message: str) -> NoReturn:
        raise WrongUsage("usage", reason=message, command=self.prog)


def _parser(lang: Lang) -> argparse.ArgumentParser:
    from importlib.metadata import version

    say = {key.removeprefix("cli."): texts.say(key, lang) for key in sorted(texts.keys()) if key.startswith("cli.help")}
    # argparse asks gettext for its own words; this is the only door it leaves to another catalogue
    ours = {texts.say(key, "en"): texts.say(key, lang) for key in sorted(texts.keys()) if key.startswith("argparse.")}
    argparse._ = lambda message: ours.get(message, message)  # type: ignore[attr-defined]

    common = _Parser(add_help=False)
    common.add_argument("--lang", choices=texts.LANGS, help=say["help_lang"])
    parser = _Parser(prog="segmenter", description=say["help_program"], epilog=say["help_exit"], parents=[common])
    parser.add_argument(
        "--version", action="version", version=f"segmenter {version('segmenter')}", help=say["help_version"]
    )
    commands = parser.add_subparsers(
        metavar=say["help_metavar"], required=True, dest="command", title=say["help_commands"]
    )

    def command(name: str, run: Any) -> argparse.ArgumentParser:
        text = say[f"help_{name}"]
        added: argparse.ArgumentParser = commands.add_parser(name, parents=[common], help=text, description=text)
        added.set_defaults(run=run)
        return added

    one = command("new", _new)
    one.add_argument("book", type=Path, metavar="BOOK.xlsx", help=say["help_book_new"])
    one = command("import", _import)
    one.add_argument("orders", type=Path, metavar="ORDERS", help=say["help_orders"])
    one.add_argument("-o", "--out", type=Path, required=True, metavar="BOOK.xlsx", help=say["help_book_new"])
    one.add_argument("--as-of", type=_day, metavar="DATE", help=say["help_as_of"])
    one.add_argument("--rules", type=Path, metavar="FILE", help=say["help_rules"])
    for key in COLUMNS:
        option = "--column-" + key.replace("_", "-")
        one.add_argument(option, dest=f"column_{key}", metavar="HEADER", help=texts.say(f"column.{key}", lang))
    one = command("fill", _fill)
    _analysis_options(one, say)
    one.add_argument("-o", "--out", type=Path, metavar="OUT.xlsx", help=say["help_out"])
    one.add_argument("--report", type=Path, metavar="OUT.html", help=say["help_report"])
    one = command("check", _check)
    _analysis_options(one, say)
    return parser


def _analysis_options(parser: argparse.ArgumentParser, say: dict[str, str]) -> None:
    parser.add_argument("book", type=Path, metavar="BOOK.xlsx", help=say["help_book"])
    parser.add_argument("--as-of", type=_day, metavar="DATE", help=say["help_as_of"])
    parser.add_argument("--rules", type=Path, metavar="FILE", help=say["help_rules"])
    parser.add_argument("--json", action="store_true", help=say["help_json"])


def _day(text: str) -> date:
    from segmenter.values import day_of

    return day_of(text)


def _new(chosen: argparse.Namespace) -> int:
    from segmenter import jobs

    lang = chosen.lang or texts.DEFAULT
    jobs.new(chosen.book, lang)
    print(texts.say("cli.new", lang, path=chosen.book))
    return 0


def _import(chosen: argparse.Namespace) -> int:
    from segmenter import jobs

    lang: Lang = chosen.lang or texts.DEFAULT
    columns = {key: header for key in COLUMNS if (header := getattr(chosen, f"column_{key}"))}
    with _stages(lang) as stage:
        done = jobs.import_orders(chosen.orders, chosen.out, lang, columns, chosen.as_of, chosen.rules, stage)
    for finding in done.findings:
        print("- " + finding.message(lang))
    numbers = {
        name: getattr(done, name) for name in ("as_of", "lines_in", "lines_used", "orders", "customers", "amount")
    }
    print(texts.say("cli.imported", lang, left_out=done.lines_in - done.lines_used, **numbers))
    print(texts.say("cli.written", lang, path=chosen.out))
    return 0


def _fill(chosen: argparse.Namespace) -> int:
    from segmenter import jobs

    with _stages(chosen.lang or texts.DEFAULT) as stage:
        result = jobs.fill(
            chosen.book,
            chosen.out,
            as_of=chosen.as_of,
            rules_file=chosen.rules,
            report=chosen.report,
            lang=chosen.lang,
            progress=stage,
        )
    outputs = [path for path in (chosen.out or chosen.book, chosen.report) if path]
    _show(result, chosen, outputs)
    return 0


def _check(chosen: argparse.Namespace) -> int:
    from segmenter import jobs

    with _stages(chosen.lang or texts.DEFAULT) as stage:
        result = jobs.check(chosen.book, as_of=chosen.as_of, rules_file=chosen.rules, progress=stage)
    if not chosen.json:
        lang = chosen.lang or result.lang
        for finding in result.findings:
            place = f"{finding.sheet}!{finding.cell}".strip("!")
            print(f"- {place}: {finding.message(lang)}" if place else f"- {finding.message(lang)}")
    _show(result, chosen, [])
    return 0


def _show(result: Result, chosen: argparse.Namespace, outputs: Sequence[Path]) -> None:
    from segmenter import jobs

    lang: Lang = chosen.lang or result.lang
    if chosen.json:
        print(_json(_summary(result, lang, outputs)))
        return
    as_of = result.as_of.isoformat() if result.as_of else "—"
    print(
        texts.say(
            "cli.analysed", lang, as_of=as_of, rows=result.rows_in, used=result.rows_used, excluded=result.rows_excluded
        )
    )
    for key, numbers in jobs.headline(result):
        print("  " + texts.say(key, lang, **numbers))
    for path in outputs:
        print(texts.say("cli.written", lang, path=path))


def _summary(result: Result, lang: Lang, outputs: Sequence[Path]) -> dict[str, Any]:
    codes = result.customers["code"].astype(str).value_counts()
    findings = [
        {"code": f.code, "sheet": f.sheet, "cell": f.cell, "value": f.value, "message": f.message(lang)}
        for f in result.findings
    ]
    present = result.segments[result.segments["customers"] > 0]
    return {
        "status": result.status,
        "as_of": result.as_of.isoformat() if result.as_of else None,
        "rows_in": result.rows_in,
        "rows_used": result.rows_used,
        "rows_excluded": result.rows_excluded,
        "findings": findings,
        "codes": {str(code): int(count) for code, count in sorted(codes.items()) if code},
        "segments": {
            row["name"]: {"customers": int(row["customers"]), "amount": round(float(row["amount"]), 6)}
            for row in present.to_dict("records")
        },
        "outputs": [str(path) for path in outputs],
    }


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2)


def _plain(value: object) -> str:
    return "" if value is None else str(value)


def _stages(lang: Lang) -> Stages:
    from segmenter.progress import Stages

    return Stages(lang)
