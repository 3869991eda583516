"""What each command does with its arguments: call a job, say what came of it, give the exit code."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from segmenter import commands_report, jobs, texts
from segmenter.atomic import make_folder
from segmenter.books.proof import Asked
from segmenter.errors import Refused
from segmenter.progress import Files, Stages
from segmenter.result import Result
from segmenter.rules import NO_RECENCY
from segmenter.texts import Lang

ORDER_COLUMNS: Final = (
    "order_id",
    "customer_id",
    "ordered_on",
    "amount",
    "category",
    "channel",
    "region",
    "quantity",
    "unit_price",
)
"""the columns of an order file that an option can name"""

ALERTS: Final = frozenset(
    {
        "hard_link",
        "output_kept",
        "sheet_emptied",
        "as_of_unknown",
        "as_of_doubtful",
        "as_of_far",
        "as_of_early",
        "order_customer_unknown",
        "third_party_consent",
        "stale",
        "formula_short",
        "formula_long",
        "left_beside",
        "rows_below",
        "groups_below",
        "few_customers",
        "setting_unknown",
        "setting_unread",
        "names_clash",
        "formulas_fixed",
        "value_unfit",
        "value_few",
        "value_no_maximum",
        "value_no_orders",
        "cluster_few",
    }
)
"""findings about the whole analysis, said on screen and not only in the log"""


def run(chosen: argparse.Namespace) -> int:
    """Do what was asked for; gives the exit code, errors are the caller's."""
    lang: Lang = chosen.lang or texts.DEFAULT
    return (COMMANDS.get(chosen.command) or _elsewhere(chosen.command))(chosen, lang)


def _elsewhere(name: str) -> Callable[[argparse.Namespace, Lang], int]:
    """A command of a module of its own, which is not imported for others."""
    from segmenter import commands_compare, commands_excel, commands_export, commands_mail

    return {
        "compare": commands_compare.compare,
        "export": commands_export.export,
        "report": commands_report.report,
        "template": commands_report.template,
        "excel": commands_excel.excel,
        "doctor": commands_excel.doctor,
        "live": commands_excel.live,
        "mail": commands_mail.mail,
        "purge": commands_mail.purge,
    }[name]


def _new(chosen: argparse.Namespace, lang: Lang) -> int:
    jobs.new(chosen.book, lang)
    print(texts.say("cli.new", lang, path=chosen.book))
    return 0


def _import(chosen: argparse.Namespace, lang: Lang) -> int:
    from segmenter import importing

    columns = {key: header for key in ORDER_COLUMNS if (header := getattr(chosen, f"column_{key}"))}
    with Stages(lang) as stage:
        done = importing.import_orders(chosen.orders, chosen.out, lang, columns, chosen.as_of, chosen.rules, stage)
    for finding in done.findings:
        print("- " + finding.message(lang))
    names = ("as_of", "lines_in", "lines_used", "orders", "customers", "amount")
    numbers = {name: getattr(done, name) for name in names}
    print(texts.say("cli.imported", lang, left_out=done.lines_in - done.lines_used, **numbers))
    print(texts.say("cli.written", lang, path=chosen.out))
    return 0


def _fill(chosen: argparse.Namespace, lang: Lang) -> int:
    with Stages(lang) as stage:
        result = jobs.fill(
            chosen.book,
            chosen.out,
            as_of=chosen.as_of,
            rules_file=chosen.rules,
            report=chosen.report,
            lang=chosen.lang,
            formulas=chosen.formulas,
            changes=commands_report.changes(chosen),
            saving=jobs.Saving(**{name: getattr(chosen, name) for name in jobs.Saving._fields}),
            progress=stage,
        )
    _show(result, chosen, [path for path in (chosen.out or chosen.book, chosen.report) if path])
    return 0


def _check(chosen: argparse.Namespace, lang: Lang) -> int:
    with Stages(lang) as stage:
        result = jobs.check(
            chosen.book,
            as_of=chosen.as_of,
            rules_file=chosen.rules,
            changes=commands_report.changes(chosen),
            progress=stage,
        )
    if not chosen.json:
        for finding in result.findings:
            place = f"{finding.sheet}!{finding.cell}".strip("!")
            print(f"- {place}: {finding.message(chosen.lang or result.lang)}".replace("- : ", "- "))
    _show(result, chosen, [])
    return 0


def _batch(chosen: argparse.Namespace, lang: Lang) -> int:
    import signal

    from segmenter.batch import folder, journal, pools, rows, running, tables, worklist

    out: Path = chosen.out
    before = journal.recorded(out)
    known = {source: row.output for source, row in before.items()}
    tasks = worklist.collect(chosen.sources, out, report=chosen.report, known=known)
    earlier = journal.unchanged(tasks, out, before) if chosen.resume else {}
    pool = pools.cluster(chosen.scheduler) if chosen.scheduler else pools.processes(chosen.jobs)
    worked = len(tasks) - len(earlier)

    def stopped(count: int) -> str:
        return texts.say("cli.batch_stopped", lang, worked=count, left=worked - count)

    make_folder(out)
    with folder.alone(out, {*known.values(), *(task.output for task in tasks)}):
        with Files(lang, worked) as told:
            try:
                ended = running.run(tasks, out.resolve(), lang, executor=pool, earlier=earlier, told=told)
            except KeyboardInterrupt:
                signal.signal(signal.SIGINT, signal.SIG_IGN)  # heard again on its way out, it would end by that
                print(stopped(told.count), file=sys.stderr)
                return 130
            except Refused:  # the disk is full, the cluster is lost
                print(stopped(told.count), file=sys.stderr)
                raise
        counts = {"done": 0, "findings": 0, "refused": 0} | Counter(row.status for row in ended)
        try:
            if not chosen.json:  # told before the tables are written: on a full disk it is all there is
                shown = sorted(zip(tables.near(ended), ended, strict=True), key=lambda one: one[1].status == "refused")
                _table([(texts.say(f"batch.{row.status}", lang), at, row.message or row.output) for at, row in shown])
                print(texts.say("cli.batch_done", lang, total=len(ended), worked=worked, **counts))
                if days := rows.days(ended):
                    print("! " + texts.say("batch.days", lang, first=days[0], last=days[1]))
                sys.stdout.flush()
        except BrokenPipeError:  # nobody reads on, as `head` does; what was refused is still to be the exit code
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        finally:  # also when it goes to a file on a full disk
            outputs = tables.write(ended, out, lang)
        for listed, columns in worklist.unread(chosen.sources):
            print("! " + texts.say("batch.unread", lang, path=listed, value=columns), file=sys.stderr)
    if chosen.json:
        totals = {name: {"customers": n, "amount": m} for name, (n, m) in rows.totals(ended, lang).items()}
        files = [{key: tables.value(row, key) for key in tables.COLUMNS} for row in ended]
        _print_json({**counts, "worked": worked, "files": files, "segments": totals, "outputs": [*map(str, outputs)]})
    else:
        for path in outputs:
            print(texts.say("cli.written", lang, path=path))
    return 1 if counts["refused"] else 0


def _verify(chosen: argparse.Namespace, lang: Lang) -> int:
    if chosen.after.suffix.lower() in (".html", ".htm", ".docx", ".pdf"):
        return commands_report.verify(chosen, lang)
    proof = jobs.verify(chosen.before, chosen.after, Asked(chosen.drop_stale, chosen.break_signature))
    if chosen.json:
        _print_json({"ok": proof.ok, "parts": [part._asdict() for part in proof.parts]})
        return 0 if proof.ok else 1
    shown = [part for part in proof.parts if chosen.all or part.verdict != "same"]
    _table([(texts.say(f"verdict.{part.verdict}", lang), part.name, part.detail) for part in shown])
    counts = Counter(part.verdict for part in proof.parts)
    key = "cli.verified" if proof.ok else "cli.not_verified"
    print(texts.say(key, lang, parts=len(proof.parts), same=counts["same"], violations=counts["violation"]))
    return 0 if proof.ok else 1


COMMANDS: Final[Mapping[str, Callable[[argparse.Namespace, Lang], int]]] = {
    "new": _new,
    "import": _import,
    "fill": _fill,
    "check": _check,
    "batch": _batch,
    "verify": _verify,
}


def _show(result: Result, chosen: argparse.Namespace, outputs: Sequence[Path]) -> None:
    """The result on standard output: the object of --json, or the accounting, the headline and where it is."""
    lang: Lang = chosen.lang or result.lang
    if chosen.json:
        _print_json(_summary(result, lang, outputs))
        return
    as_of = result.as_of.isoformat() if result.as_of else "—"
    accounting = {"rows": result.rows_in, "used": result.rows_used, "excluded": result.rows_excluded}
    print(texts.say("cli.analysed", lang, as_of=as_of, **accounting))
    for code, count in result.excluded.items():
        print("  - " + texts.say("cli.excluded", lang, kind=texts.say(f"kind.{code}", lang), count=count))
    for key, numbers in jobs.headline(result):
        print("  " + texts.say(key, lang, **numbers))
    unknown = int((result.customers["segment"] == NO_RECENCY).sum())
    if unknown:
        print("! " + texts.say("cli.no_recency", lang, count=unknown, used=result.rows_used))
    for finding in result.findings:
        if finding.code in ALERTS:
            message = finding.message(lang)
            print("! " + (f"[{finding.sheet}] " if finding.sheet and finding.sheet not in message else "") + message)
    for path in outputs:
        print(texts.say("cli.written", lang, path=path))


def _summary(result: Result, lang: Lang, outputs: Sequence[Path]) -> dict[str, Any]:
    """The object of --json."""
    codes = Counter(result.customers["code"].tolist())
    return {
        "status": result.status,
        "as_of": result.as_of.isoformat() if result.as_of else None,
        "rows_in": result.rows_in,
        "rows_used": result.rows_used,
        "rows_excluded": result.rows_excluded,
        "findings": [
            {"code": f.code, "sheet": f.sheet, "cell": f.cell, "value": f.value, "message": f.message(lang)}
            for f in result.findings
        ],
        "codes": {code: count for code, count in sorted(codes.items()) if code},
        "segments": {
            row["name"]: {"customers": row["customers"], "amount": round(row["amount"], 6)}
            for row in result.segments.records()
            if row["customers"]
        },
        "outputs": [str(path) for path in outputs],
    }


def _print_json(content: Mapping[str, Any]) -> None:
    print(json.dumps(content, ensure_ascii=False, indent=2))


def _table(rows: Sequence[tuple[str, ...]], numbers: bool = False) -> None:
    """Rows as a table on standard output, `numbers` from the second column on; in a file or pipe nothing is cut."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, pad_edge=False)
    for column in range(max(map(len, rows), default=0)):
        # what is too long goes on in the next line: Chinese has no blanks to part it at, and would be cut
        table.add_column(justify="right" if numbers and column else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else 500, soft_wrap=False)
    with console.capture() as shown:
        console.print(table)
    print("\n".join(line.rstrip() for line in shown.get().splitlines()))
