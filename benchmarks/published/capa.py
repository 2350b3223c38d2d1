"""Large facility location (100 sites, 1,000 customers) from a file of the OR-Library: how long, and how near.

python -m benchmarks.published.capa FOLDER [--capacity 8000] [--time-limit 600]

FOLDER holds `capa.txt`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.published.facility_location import FacilityLocation
from lodeplan.optimizer import solve

OPTIMUM = {8000: 19240822.449, 10000: 18438046.543, 12000: 17765201.949, 14000: 17160439.012}
"""Published optima by capacity of every site."""


def main() -> None:
    """Solve one instance and print its cost beside the published one, the gap, and the time of each phase."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--capacity", type=int, default=8000, choices=OPTIMUM, help="of each site (8000)")
    parser.add_argument("--time-limit", type=float, default=600, help="of the search, seconds (600)")
    given = parser.parse_args()
    text = (given.folder / "capa.txt").read_text(encoding="ascii")
    scenario = FacilityLocation.parse(text, given.capacity).scenario(f"capa-{given.capacity}")
    summary = solve(scenario, time_limit_s=given.time_limit).summary
    optimum = OPTIMUM[given.capacity]
    if summary.objective_kusd is not None and summary.gap is not None:
        above = summary.objective_kusd / optimum - 1
        print(f"cost {summary.objective_kusd:,.3f}, published {optimum:,.3f}: {above:+.2%}")
        print(f"{summary.termination}, gap {summary.gap:.2%}")
    print(", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in summary.timings_s.items()))


if __name__ == "__main__":
    main()
