"""Running programs as child processes, and what they cost: CPU seconds (user and system, with their own children) and
peak memory. Wall time is not measured: on a shared machine it says little."""

import argparse
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from typing import NamedTuple

UNIT = 1 << 20


class Cost(NamedTuple):
    """What a program cost: `cpu` in seconds, `peak` in MB of resident memory."""

    cpu: float
    peak: float


class Failed(Exception):
    """A program that did not end well; the message is the last line it wrote."""


def run(command):
    """Run a command to its end; raises Failed when it fails."""
    # as installed: Python keeps what it has compiled, ours like everybody's
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    child = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env)
    with child:
        said = child.stderr.read().decode(errors="replace").strip()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise Failed(said.splitlines()[-1] if said else f"exit code {child.returncode}")
    scale = 1 if sys.platform == "darwin" else 1024
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * scale / UNIT)


def alternate(ways, rounds, before=lambda: None):
    """Run every way (name -> command) once a round, one after the other, `rounds` times.

    Gives name -> list of costs, or the reason for a way that failed; such a way is not run again. `before` is called
    before each run.
    """
    costs = defaultdict(list)
    failed = {}
    for n in range(rounds):
        for name, command in ways.items():
            if name in failed:
                continue
            before()
            try:
                costs[name].append(run(command))
            except Failed as reason:
                failed[name] = str(reason)
            sys.stderr.write(f"round {n + 1}/{rounds}: {name}: {failed.get(name) or costs[name][-1]}\n")
    return {name: failed.get(name) or costs[name] for name in ways}


def median(costs):
    """The median of each figure."""
    return Cost(statistics.median(one.cpu for one in costs), statistics.median(one.peak for one in costs))


def table(results, ours, units=(), note=lambda _: ""):
    """The results as a Markdown table: CPU seconds, peak memory, and how many times each row of `units` (and ours) the
    CPU time is. `note` says more about a way in a last column."""
    against = [name for name in (*units, ours) if not isinstance(results.get(name, ""), str)]
    medians = {name: costs if isinstance(costs, str) else median(costs) for name, costs in results.items()}
    header = ["way", "CPU s", "peak MB", *(f"times {name}" for name in against), "note"]
    lines = [header, ["---", *["---:"] * (len(header) - 2), "---"]]
    for name, cost in medians.items():
        if isinstance(cost, str):
            lines.append([name, *["—"] * (len(header) - 2), cost])
            continue
        times = [f"{cost.cpu / medians[one].cpu:.2f}" for one in against]
        lines.append([name, f"{cost.cpu:.2f}", f"{cost.peak:,.0f}", *times, note(name)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def arguments(description, **defaults):
    """The options of a bench: each default becomes a whole number `--name`."""
    parser = argparse.ArgumentParser(description=description)
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=value, help=f"default {value:,}")
    parser.add_argument("--ways", nargs="+", metavar="WAY", help="only these ways")
    parser.add_argument("--folder", help="keep generated workbooks here (default: a temporary folder)")
    return parser.parse_args()


def chosen(ways, wanted):
    """The ways whose names begin with one of the words in `wanted`; all when nothing was wanted."""
    return {name: one for name, one in ways.items() if not wanted or name.startswith(tuple(wanted))}
