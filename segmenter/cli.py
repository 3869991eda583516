"""The command line: a thin door. It reads arguments, calls a job, and is the one place that turns errors into exit
codes: 0 done, 1 refused, 2 wrong usage, 3 a fault of ours, 130 interrupted."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn

from segmenter import texts
from segmenter.errors import Refused, SegmenterError, WrongUsage
from segmenter.texts import Lang

Say = Mapping[str, str]
"""the texts of the help by name"""


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


class _Unmeasured(argparse.HelpFormatter):
    """argparse makes one for every option it is given, only to see whether it could; of itself each asks how wide the
    terminal is, with a module that imports all that can pack archives."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=80)


class _Parser(argparse.ArgumentParser):
    """argparse, in the user's language and with our errors. A command is given its `options` when it is asked for: what
    the others need is neither made nor imported."""

    commands: Mapping[str, argparse.ArgumentParser] = {}
    options: Callable[[argparse.ArgumentParser], None] | None = None

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, which also calls it for the command it has found."""
        if self.options:
            self.options(self)
            self.options = None
        return super().parse_known_args(args, namespace)

    def __init__(self, **given: Any) -> None:
        super().__init__(**given, formatter_class=_Unmeasured)

    def format_help(self) -> str:
        """The help, as wide as the terminal."""
        self.formatter_class = argparse.HelpFormatter
        return super().format_help()

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
    for name, options in OPTIONS.items():
        text = say["help_report_command" if name == "report" else f"help_{name}"]
        one = commands.add_parser(name, parents=[common], help=text, description=text)
        one.options = partial(options, say=say, lang=lang)
    return parser


def _new_options(parser: argparse.ArgumentParser, say: Say, lang: Lang) -> None:
    parser.add_argument("book", type=Path, metavar="BOOK.xlsx", help=say["help_book_new"])


def _import_options(parser: argparse.ArgumentParser, say: Say, lang: Lang) -> None:
    parser.add_argument("orders", type=Path, metavar="ORDERS", help=say["help_orders"])
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="BOOK.xlsx", help=say["help_book_new"])
    parser.add_argument("--as-of", type=_day(lang), metavar="DATE", help=say["help_as_of"])
    parser.add_argument("--rules", type=Path, metavar="FILE", help=say["help_rules"])
    for key in (key.removeprefix("column.") for key in sorted(texts.keys()) if key.startswith("column.")):
        option = "--column-" + key.replace("_", "-")
        parser.add_argument(option, dest=f"column_{key}", metavar="HEADER", help=texts.say(f"column.{key}", lang))


def _fill_options(parser: argparse.ArgumentParser, say: Say, lang: Lang) -> None:
    _analysis_options(parser, say, lang)
    parser.add_argument("-o", "--out", type=Path, metavar="OUT.xlsx", help=say["help_out"])
    parser.add_argument("--report", type=Path, metavar="OUT.html", help=say["help_report"])
    parser.add_argument("--formulas", action="store_true", help=say["help_formulas"])
    _rule_options(parser, say)
    for option in ("keep-previous", "drop-stale", "break-signature", "override-protection"):
        parser.add_argument(f"--{option}", action="store_true", help=say["help_" + option.replace("-", "_")])


def _check_options(parser: argparse.ArgumentParser, say: Say, lang: Lang) -> None:
    _analysis_options(parser, say, lang)
    _rule_options(parser, say)


def _batch_options(parser: argparse.ArgumentParser, say: Say, lang: Lang) -> None:
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help=say["help_sources"])
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="DIR", help=say["help_folder"])
    parser.add_argument("--jobs", type=_positive(lang), metavar="N", help=say["help_jobs"])
    parser.add_argument("--report", action="store_true", help=say["help_batch_report"])
    parser.add_argument("--resume", action="store_true", help=say["help_resume"])
    parser.add_argument("--scheduler", metavar="ADDRESS", help=say["help_scheduler"])
    parser.add_argument("--json", action="store_true", help=say["help_json"])


def _verify_options(parser: argparse.ArgumentParser, say: Say, lang: Lang) -> None:
    parser.add_argument("before", type=Path, metavar="BEFORE.xlsx", help=say["help_before"])
    parser.add_argument("after", type=Path, metavar="AFTER.xlsx", help=say["help_after"])
    for option in ("drop-stale", "break-signature", "all", "json"):
        parser.add_argument(f"--{option}", action="store_true", help=say["help_" + option.replace("-", "_")])


def _compare_options(parser: argparse.ArgumentParser, say: Say, lang: Lang) -> None:
    from segmenter import commands_compare

    commands_compare.compare_options(parser, say)


def _export_options(parser: argparse.ArgumentParser, say: Say, lang: Lang) -> None:
    from segmenter import commands_export

    _analysis_options(parser, say, lang, as_of="help_as_of_told")
    commands_export.export_options(parser, say)


def _report_options(parser: argparse.ArgumentParser, say: Say, lang: Lang) -> None:
    from segmenter import commands_report

    _analysis_options(parser, say, lang, as_of="help_as_of_told")
    _rule_options(parser, say)
    commands_report.report_options(parser, say)


def _mail_options(parser: argparse.ArgumentParser, say: Say, lang: Lang) -> None:
    from segmenter import commands_mail

    _analysis_options(parser, say, lang, "help_mail_book", "help_as_of_told")
    _rule_options(parser, say)
    commands_mail.mail_options(parser, say)


def _purge_options(parser: argparse.ArgumentParser, say: Say, lang: Lang) -> None:
    from segmenter import commands_mail

    commands_mail.purge_options(parser, say)


def _excel_options(parser: argparse.ArgumentParser, say: Say, lang: Lang) -> None:
    from segmenter import commands_excel

    commands_excel.excel_options(parser, say)


def _doctor_options(parser: argparse.ArgumentParser, say: Say, lang: Lang) -> None:
    from segmenter import commands_excel

    commands_excel.doctor_options(parser, say)


def _live_options(parser: argparse.ArgumentParser, say: Say, lang: Lang) -> None:
    from segmenter import commands_excel

    commands_excel.live_options(parser, say)


def _template_options(parser: argparse.ArgumentParser, say: Say, lang: Lang) -> None:
    from segmenter import commands_report

    commands_report.template_options(parser, say)


def _analysis_options(
    parser: argparse.ArgumentParser, say: Say, lang: Lang, book: str = "help_book", as_of: str = "help_as_of"
) -> None:
    parser.add_argument("book", type=Path, metavar="BOOK.xlsx", help=say[book])
    parser.add_argument("--as-of", type=_day(lang), metavar="DATE", help=say[as_of])
    parser.add_argument("--rules", type=Path, metavar="FILE", help=say["help_rules"])
    parser.add_argument("--json", action="store_true", help=say["help_json"])


def _rule_options(parser: argparse.ArgumentParser, say: Say) -> None:
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


OPTIONS: Final[Mapping[str, Callable[..., None]]] = {
    "new": _new_options,
    "import": _import_options,
    "fill": _fill_options,
    "check": _check_options,
    "batch": _batch_options,
    "verify": _verify_options,
    "compare": _compare_options,
    "export": _export_options,
    "report": _report_options,
    "mail": _mail_options,
    "purge": _purge_options,
    "excel": _excel_options,
    "doctor": _doctor_options,
    "live": _live_options,
    "template": _template_options,
}
"""The commands, and what gives each its options."""
