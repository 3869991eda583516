"""The command line: a thin door. It reads arguments, calls a job, and is the one place that turns errors into exit
codes: 0 done, 1 refused, 2 wrong usage, 3 a fault of ours, 130 interrupted."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from segmenter import texts
from segmenter.errors import Refused, SegmenterError, WrongUsage
from segmenter.texts import Lang


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    lang = _lang_of(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        chosen = _parser(lang).parse_args(arguments, argparse.Namespace(lang=None))
        from segmenter import commands

        return commands.run(chosen)
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
        refusal = {
            "code": error.key,
            "sheet": error.sheet,
            "cell": error.cell,
            "value": "" if error.value is None else str(error.value),
        }
        empty: dict[str, Any] = {
            "as_of": None,
            "rows_in": 0,
            "rows_used": 0,
            "rows_excluded": 0,
            "codes": {},
            "segments": {},
            "outputs": [],
        }
        said = {"status": "refused", **empty, "findings": [{**refusal, "message": error.message(lang)}]}
        print(json.dumps(said, ensure_ascii=False, indent=2))


class _Parser(argparse.ArgumentParser):
    """argparse, in the user's language and with our errors."""

    commands: Mapping[str, argparse.ArgumentParser] = {}

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does; what is no option is told with the one that comes nearest."""
        chosen, extra = self.parse_known_args(args, namespace)
        if extra:
            known = re.findall(r"--[\w-]+", self.commands[chosen.command].format_usage())
            typed = next((one for one in extra if one.startswith("-")), extra[0]).partition("=")[0]
            raise WrongUsage(
                "option",
                value=" ".join(extra),
                nearest=texts.nearest(typed, known),
                command=f"{self.prog} {chosen.command}",
            )
        return chosen

    def error(self, message: str) -> NoReturn:
        raise WrongUsage("usage", reason=message, command=self.prog)


class _Version(argparse.Action):
    """`--version`; the number is looked up only when somebody asks."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str = "") -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import version

        print(f"segmenter {version('segmenter')}")
        parser.exit()


def _parser(lang: Lang) -> argparse.ArgumentParser:
    from segmenter import commands_compare, commands_excel, commands_export, commands_mail, commands_report

    say = {key.removeprefix("cli."): texts.say(key, lang) for key in sorted(texts.keys()) if key.startswith("cli.help")}
    # argparse asks gettext for its own words; this is the only door it leaves to another catalogue
    ours = {texts.say(key, "en"): texts.say(key, lang) for key in sorted(texts.keys()) if key.startswith("argparse.")}
    argparse._ = lambda message: ours.get(message, message)  # type: ignore[attr-defined]

    common = _Parser(add_help=False)
    # before the command or after it: suppressed, the one after does not undo the one before
    common.add_argument("--lang", choices=texts.LANGS, default=argparse.SUPPRESS, help=say["help_lang"])
    parser = _Parser(prog="segmenter", description=say["help_program"], epilog=say["help_exit"], parents=[common])
    parser.add_argument("--version", action=_Version, help=say["help_version"])
    commands = parser.add_subparsers(
        metavar=say["help_metavar"], required=True, dest="command", title=say["help_commands"]
    )

    parser.commands = commands.choices

    def command(name: str, key: str = "") -> argparse.ArgumentParser:
        text = say[f"help_{key or name}"]
        added: argparse.ArgumentParser = commands.add_parser(name, parents=[common], help=text, description=text)
        return added

    _file_commands(command, say, lang)
    commands_compare.compare_options(command("compare"), say)
    one = command("export")
    _analysis_options(one, say, lang)
    commands_export.export_options(one, say)
    one = command("report", "report_command")
    _analysis_options(one, say, lang)
    _rule_options(one, say)
    commands_report.report_options(one, say)
    one = command("mail")
    _analysis_options(one, say, lang, say["help_mail_book"])
    _rule_options(one, say)
    commands_mail.mail_options(one, say)
    commands_mail.purge_options(command("purge"), say)
    commands_excel.excel_options(command("excel"), say)
    commands_excel.doctor_options(command("doctor"), say)
    commands_excel.live_options(command("live"), say)
    one = command("template")
    commands_report.template_options(one, say)
    return parser


def _file_commands(command: Callable[[str], argparse.ArgumentParser], say: dict[str, str], lang: Lang) -> None:
    """The commands that make, fill and compare workbooks."""
    one = command("new")
    one.add_argument("book", type=Path, metavar="BOOK.xlsx", help=say["help_book_new"])
    one = command("import")
    one.add_argument("orders", type=Path, metavar="ORDERS", help=say["help_orders"])
    one.add_argument("-o", "--out", type=Path, required=True, metavar="BOOK.xlsx", help=say["help_book_new"])
    one.add_argument("--as-of", type=_day(lang), metavar="DATE", help=say["help_as_of"])
    one.add_argument("--rules", type=Path, metavar="FILE", help=say["help_rules"])
    for key in (key.removeprefix("column.") for key in sorted(texts.keys()) if key.startswith("column.")):
        option = "--column-" + key.replace("_", "-")
        one.add_argument(option, dest=f"column_{key}", metavar="HEADER", help=texts.say(f"column.{key}", lang))
    one = command("fill")
    _analysis_options(one, say, lang)
    one.add_argument("-o", "--out", type=Path, metavar="OUT.xlsx", help=say["help_out"])
    one.add_argument("--report", type=Path, metavar="OUT.html", help=say["help_report"])
    one.add_argument("--formulas", action="store_true", help=say["help_formulas"])
    _rule_options(one, say)
    for option in ("keep-previous", "drop-stale", "break-signature", "override-protection"):
        one.add_argument(f"--{option}", action="store_true", help=say["help_" + option.replace("-", "_")])
    one = command("check")
    _analysis_options(one, say, lang)
    _rule_options(one, say)
    one = command("batch")
    one.add_argument("sources", nargs="+", metavar="SOURCE", help=say["help_sources"])
    one.add_argument("-o", "--out", type=Path, required=True, metavar="DIR", help=say["help_folder"])
    one.add_argument("--jobs", type=_positive(lang), metavar="N", help=say["help_jobs"])
    one.add_argument("--report", action="store_true", help=say["help_batch_report"])
    one.add_argument("--resume", action="store_true", help=say["help_resume"])
    one.add_argument("--scheduler", metavar="ADDRESS", help=say["help_scheduler"])
    one.add_argument("--json", action="store_true", help=say["help_json"])
    one = command("verify")
    one.add_argument("before", type=Path, metavar="BEFORE.xlsx", help=say["help_before"])
    one.add_argument("after", type=Path, metavar="AFTER.xlsx", help=say["help_after"])
    for option in ("drop-stale", "break-signature", "all", "json"):
        one.add_argument(f"--{option}", action="store_true", help=say["help_" + option.replace("-", "_")])


def _analysis_options(parser: argparse.ArgumentParser, say: dict[str, str], lang: Lang, book: str = "") -> None:
    parser.add_argument("book", type=Path, metavar="BOOK.xlsx", help=book or say["help_book"])
    parser.add_argument("--as-of", type=_day(lang), metavar="DATE", help=say["help_as_of"])
    parser.add_argument("--rules", type=Path, metavar="FILE", help=say["help_rules"])
    parser.add_argument("--json", action="store_true", help=say["help_json"])


def _rule_options(parser: argparse.ArgumentParser, say: dict[str, str]) -> None:
    """Analyses beyond the template's that can be asked for once, whatever the settings say."""

    def read(text: str) -> tuple[str, ...]:
        return tuple(one for one in map(str.strip, re.split("[,，、;；]", text)) if one)

    for option in ("clusters", "value"):
        parser.add_argument(f"--{option}", action="store_true", help=say[f"help_{option}"])
    parser.add_argument("--dimensions", type=read, default=(), metavar="NAMES", help=say["help_dimensions"])


def _day(lang: Lang) -> Callable[[str], date]:
    def read(text: str) -> date:
        from segmenter.reading.dates import day_of

        try:
            return day_of(text)
        except ValueError:
            raise argparse.ArgumentTypeError(texts.say("cli.no_day", lang, value=text)) from None

    return read


def _positive(lang: Lang) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < 1:
            raise argparse.ArgumentTypeError(texts.say("cli.no_count", lang, value=text))
        return int(text)

    return read
