"""Time of each phase of a solve: each run in a process of its own, the median over the runs.

python benchmarks/phases.py [--runs 3] [--gap G] [SCENARIO ...]
"""

import argparse
import json
import statistics
import subprocess
import sys

from rich.console import Console
from rich.table import Table

PHASES = ("read", "prepare", "build", "handoff", "highs", "extract", "check", "total")


def run_once(scenario: str, options: list[str]) -> dict:
    """The summary of one solve. A limit reached with a plan (exit code 4) is a result too."""
    main = "from lodeplan.service.cli import main; main()"
    command = [sys.executable, "-c", main, "solve", scenario, "--json", *options]
    solved = subprocess.run(command, capture_output=True, text=True, check=False)
    if solved.returncode not in (0, 4):
        sys.exit(f"{scenario}: exit code {solved.returncode}\n{solved.stderr}")
    return json.loads(solved.stdout)


def row_of(scenario: str, summaries: list[dict]) -> list[str]:
    """A line of the table: size, median seconds by phase, largest memory, gap and objective."""
    last = summaries[-1]
    seconds = [statistics.median(summary["timings_s"].get(phase, 0.0) for summary in summaries) for phase in PHASES]
    return [
        scenario,
        f"{last['size']['nonzeros']:,}",
        f"{last['size']['binaries']:,}",
        *(f"{value:.2f}" for value in seconds),
        f"{max(summary['peak_memory_mib'] for summary in summaries):,.0f}",
        f"{last['gap']:.2e}",
        f"{last['objective_kusd']:,.0f}",
    ]


def main() -> None:
    """Solve each scenario some times and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenarios", nargs="*", default=["golden-toy", "us-2026"], metavar="SCENARIO")
    parser.add_argument("--runs", type=int, default=3, help="solves of each scenario (3)")
    parser.add_argument("--gap", help="relative gap; the scenario's own by default")
    given = parser.parse_args()
    options = ["--gap", given.gap] if given.gap else []
    table = Table("scenario", "nonzeros", "binaries", *(f"{phase} s" for phase in PHASES), "MiB", "gap", "kUSD")
    for scenario in given.scenarios:
        table.add_row(*row_of(scenario, [run_once(scenario, options) for _ in range(given.runs)]))
    Console(width=200).print(table)


if __name__ == "__main__":
    main()
