"""What each of the two searches of large models finds, and what it takes: that of the master over the groups' plans,
and that among the decisions worth taking. Each in a process of its own, in turn.

python -m benchmarks.search [--threads N] [SCENARIO ...]
"""

import argparse
import json
import subprocess
import sys
import time

from rich.console import Console
from rich.table import Table

from lodeplan.optimizer import Problem
from lodeplan.optimizer.solver import Control

WAYS = ("decisions", "master")


def search(scenario: str, way: str, threads: int | None) -> dict[str, object]:
    """Search a scenario in this way, to its own gap, without a limit of time."""
    problem = Problem(scenario)
    asked = problem.scenario.solve
    control = Control(gap=asked.gap, threads=threads, along=way)
    assert problem.form.columns
    began, began_cpu = time.perf_counter(), time.process_time()
    answer = problem.search(control, start=None)
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
    summary = problem.plan_of(answer).summary
    return {
        "kusd": summary.objective_kusd,
        "gap": summary.gap,
        "widest": max(summary.gap_by_group.values(), default=0.0),
        "open": summary.open_groups,
        "ended": summary.termination,
        "seconds": seconds,
        "cpu_s": cpu_s,
    }


def in_a_process(scenario: str, way: str, threads: int | None) -> dict:
    """What `search` found, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.search", "--way", way, scenario]
    command += ["--threads", str(threads)] if threads else []
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"{scenario}, {way}: exit code {ran.returncode}\n{ran.stderr}")
    return json.loads(ran.stdout)


def rows_of(scenario: str, found: dict[str, dict]) -> list[list[str]]:
    """A line of the table for each way, and what the second saves and takes against the first."""
    first, second = (found[way] for way in WAYS)
    saved, ratio = first["kusd"] - second["kusd"], second["cpu_s"] / first["cpu_s"]
    against = {WAYS[0]: ["", ""], WAYS[1]: [f"{saved / 1e3:,.1f}", f"{ratio:.2f}"]}
    return [
        [
            scenario,
            way,
            f"{told['kusd'] / 1e3:,.1f}",
            f"{told['gap']:.1e}",
            f"{told['widest']:.2%}",
            f"{len(told['open'] or [])}",
            told["ended"],
            f"{told['seconds']:.1f}",
            f"{told['cpu_s']:.1f}",
            *against[way],
        ]
        for way, told in found.items()
    ]


def main() -> None:
    """Search each scenario both ways and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenarios", nargs="*", default=["us-2026-lite"], metavar="SCENARIO")
    parser.add_argument("--threads", type=int, help="groups that are searched at the same time")
    parser.add_argument("--way", choices=WAYS, help="search the first scenario in this way alone, and print JSON")
    given = parser.parse_args()
    if given.way:
        print(json.dumps(search(given.scenarios[0], given.way, given.threads)))
        return
    heads = ("million USD", "gap", "widest group", "open", "ended", "wall s", "CPU s", "saves", "CPU ratio")
    table = Table("scenario", "search", *heads)
    for scenario in given.scenarios:
        for row in rows_of(scenario, {way: in_a_process(scenario, way, given.threads) for way in WAYS}):
            table.add_row(*row)
    Console(width=200).print(table)


if __name__ == "__main__":
    main()
