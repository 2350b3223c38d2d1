"""Let jobs live under a simulated clock, database and children, where much goes wrong; a seed repeats a run.

python -m benchmarks.service.lives [--seconds 60] [--runs N] [--seed SEED]

Each run is a few workers, servers and clients in one thread, on the service's own code and statements. With `--seed`
that run alone, with its trace. Ends with 1 if an invariant was broken; `failed_seeds.txt` keeps the seeds that did.
"""

import argparse
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.service.simulation.verdict import Verdict, judge
from benchmarks.service.simulation.world import World

FAILED_SEEDS = Path(__file__).with_name("failed_seeds.txt")


@dataclass
class Life:
    """What came of one run."""

    seed: str
    verdict: Verdict
    trace: list[str]
    digest: int
    simulated_s: float
    struck: Counter[str]


@dataclass
class Lives:
    """What came of several runs."""

    runs: int = 0
    failed: int = 0
    attempts: int = 0
    struck: int = 0
    states: Counter[str] = field(default_factory=Counter)
    spent_s: float = 0.0

    def add(self, life: Life) -> None:
        """Count a run."""
        self.runs += 1
        self.failed += bool(life.verdict.faults)
        self.attempts += life.verdict.attempts
        self.struck += life.struck.total()
        self.states.update(life.verdict.states)

    def __str__(self) -> str:
        lives = self.states.total()
        ended = ", ".join(f"{count} {state}" for state, count in sorted(self.states.items()))
        return (
            f"{self.runs} runs, {lives} job lives ({ended}) in {self.attempts} attempts under {self.struck} faults, "
            f"{self.spent_s:.0f} s of processor time, {60 * lives / max(self.spent_s, 0.001):.0f} job lives a minute; "
            f"{self.failed} runs failed"
        )


def live(seed: str) -> Life:
    """Run the seed's world, and judge it."""
    with World(seed).lived() as world:
        return Life(
            seed, judge(world), world.simulator.trace, world.simulator.digest, world.simulator.now, world.struck
        )


def seeds_from(word: str) -> Iterator[str]:
    """Seeds that all begin with a word."""
    number = 0
    while True:
        yield f"{word}-{number}"
        number += 1


def seeds_that_failed() -> list[str]:
    """The seeds that ever broke an invariant."""
    lines = FAILED_SEEDS.read_text(encoding="utf-8").splitlines()
    return [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]


def describe(life: Life, *, with_trace: bool) -> str:
    """What is wrong with a run, and how to see it again."""
    lines = [*(life.trace if with_trace else ()), *life.verdict.faults, f"all of it: {life.digest:08x}"]
    return "\n".join([*lines, f"python -m benchmarks.service.lives --seed {life.seed}"])


def main() -> None:
    """Live for a while, or one life, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="of processor time")
    parser.add_argument("--runs", type=int, default=0, help="at most; 0: as many as there is time for")
    parser.add_argument("--seed", default="", help="this run alone, with its trace")
    given = parser.parse_args()
    if given.seed:
        life = live(given.seed)
        print(describe(life, with_trace=True))
        raise SystemExit(1 if life.verdict.faults else 0)
    word = secrets.token_hex(4)
    lives = Lives()
    began = time.process_time()
    for seed in seeds_from(word):
        if lives.spent_s > given.seconds or (given.runs and lives.runs >= given.runs):
            break
        life = live(seed)
        lives.add(life)
        lives.spent_s = time.process_time() - began
        if life.verdict.faults:
            print(describe(life, with_trace=False), flush=True)
    print(f"seeds {word}-0 to {word}-{lives.runs - 1}: {lives}")
    raise SystemExit(1 if lives.failed else 0)


if __name__ == "__main__":
    main()
