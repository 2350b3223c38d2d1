"""How many solves does a sweep of one number cost? Through one `Problem`, changed in place from point to point.

    python -m benchmarks.sweep us-2026-lite tariffs.section_301_china_2026_01.rate_share 0 0.5 --points 100

`first` is the processor time of a new problem and its first answer, `cold relaxation` that of a new problem and its
linear relaxation: what a point would cost without the one before. No point makes tables, each is tested against the
arrays, and the last is made a plan and checked.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from lodeplan.optimizer import Problem
from lodeplan.optimizer.solver import Before, Control, HeldModel


def main() -> None:
    """Sweep, and tell where the time of the points goes."""
    options = _options()
    began = time.process_time()
    problem = Problem(options.scenario, [{"op": "set", "path": "solve.gap", "value": options.gap}])
    form = problem.form
    made = time.process_time()
    before, settings = Before(), Control(options.gap).machine()
    HeldModel(form, settings, before).relaxation(None)
    relaxed = time.process_time()
    answer = problem.answer
    first = time.process_time() - relaxed + made - began
    print(f"first {first:.1f} s, cold relaxation {relaxed - began:.1f} s, objective {answer.objective_kusd:,.0f} kUSD")

    parts: dict[str, list[float]] = {"change": [], "answer": [], "relaxation alone": []}
    widest, worst, objectives = 0.0, 0.0, []
    for value in np.linspace(options.least, options.most, options.points).tolist():
        marks = [time.process_time()]
        problem.change([{"op": "set", "path": options.path, "value": value}])
        marks.append(time.process_time())
        answer = problem.answer
        assert answer.x is not None
        marks.append(time.process_time())
        HeldModel(problem.form, settings, before).relaxation(None)
        marks.append(time.process_time())
        for part, seconds in zip(parts.values(), np.diff(marks).tolist(), strict=True):
            part.append(seconds)
        widest = max(widest, answer.gap)
        worst = max(worst, problem.form.violation(answer.x / problem.form.column_unit))
        objectives.append(answer.objective_kusd)
        if options.verbose:
            print(f"{value:.4f} {answer.objective_kusd:,.0f} {answer.gap:.2e} {parts['answer'][-1]:.2f} s", flush=True)
    for name, part in parts.items():
        print(f"{name:17} {sum(part):6.1f} s, median {np.median(part):.2f}, most {max(part):.2f}")
    change, whole, alone = (sum(part) for part in parts.values())
    print(f"{options.points} points: {(change + whole) / first:.1f} solves")
    print(f"of the relaxation alone: {(change + alone) / (relaxed - began):.1f}, with HiGHS alone counted ", end="")
    print(f"{alone / (relaxed - made):.1f}")
    print(f"objective {min(objectives):,.0f} to {max(objectives):,.0f} kUSD, widest gap {widest:.1e}")
    print(f"residual {worst:.1e}")
    start = time.process_time()
    plan = problem.plan_of(answer)
    assert plan.summary.check is not None
    print(f"last plan in {time.process_time() - start:.1f} s, violation {plan.summary.check.max_violation:.1e}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario")
    parser.add_argument("path", help="of the number, as in a patch")
    parser.add_argument("least", type=float)
    parser.add_argument("most", type=float)
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--gap", type=float, default=1e-3)
    parser.add_argument("--verbose", action="store_true", help="a line for each point")
    return parser.parse_args()


if __name__ == "__main__":
    main()
