"""Recipes that make more of a commodity than they take, alone or one after another."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, log
from typing import NamedTuple

from lodeplan.scenarios.rules.findings import Findings
from lodeplan.scenarios.rules.supply import can_run

_ROUNDING = 1e-9
"""Gain, as a logarithm, below which a loop only gives back what it took."""
_MOST_SAID = 20
"""Loops looked for."""


class _Step(NamedTuple):
    """A facility or project with a single input, as the way from it to one of its outputs."""

    source: str
    product: str
    gain: float
    """Logarithm of t of output per t of input."""
    collection: str
    name: str


def note_recipes_that_gain(findings: Findings) -> None:
    """Facilities that make more of their only input than they take, and loops of several that do, wherever they stand.

    What has several inputs is left out: what one of them does not give, another may.
    """
    best: dict[tuple[str, str], _Step] = {}
    for step in _steps(findings):
        if step.product == step.source:
            if step.gain > _ROUNDING:
                _note(findings, [step])
            continue
        known = best.get((step.source, step.product))
        if known is None or step.gain > known.gain:
            best[step.source, step.product] = step
    for _ in range(_MOST_SAID):
        loop = _gaining_loop(list(best.values()))
        if not loop:
            break
        _note(findings, loop)
        del best[loop[-1].source, loop[-1].product]


def _steps(findings: Findings) -> Iterator[_Step]:
    for collection in ("facilities", "projects"):
        for name, plant in getattr(findings.scenario, collection).items():
            if len(plant.inputs) == 1 and can_run(plant, findings.scenario.horizon):
                source, taken = next(iter(plant.inputs.items()))
                for product, made in plant.outputs.items():
                    if taken > 0 and made > 0:
                        yield _Step(source, product, log(made / taken), collection, name)


def _gaining_loop(steps: list[_Step]) -> list[_Step]:
    """Steps that lead from a commodity back to it and give more than 1 t per t; none if no loop does.

    By Bellman and Ford: where there is none, the greatest gains are found in as many rounds as there are commodities.
    """
    gain = dict.fromkeys([step.source for step in steps] + [step.product for step in steps], 0.0)
    into: dict[str, _Step] = {}
    raised = ""
    for _ in range(len(gain) + 1):
        raised = ""
        for step in steps:
            reached = gain[step.source] + step.gain
            if reached > gain[step.product] + _ROUNDING:
                gain[step.product] = reached
                into[step.product] = step
                raised = step.product
        if not raised:
            return []
    for _ in gain:  # back until the walk is on the loop for sure
        raised = into[raised].source if raised in into else raised
    loop = [into[raised]] if raised in into else []
    while loop and loop[0].source != raised:
        loop.insert(0, into[loop[0].source])
    return loop


def _note(findings: Findings, loop: list[_Step]) -> None:
    gained = exp(sum(step.gain for step in loop))
    way = " → ".join(f"`{commodity}`" for commodity in [loop[0].source, *(step.product for step in loop)])
    last = loop[-1]
    by = "" if len(loop) == 1 else " by " + ", ".join(f"`{step.name}`" for step in loop)
    message = f"a t of `{last.product}` becomes {gained:.6g} t of it ({way}{by}): metal from nothing."
    remedy = "Both sides are t per t of activity, losses included: is an input too small, or an output too large?"
    keys = [last.collection, last.name, "outputs", last.product]
    findings.note("recipe_gains", keys, message, value=round(gained, 6), remedy=remedy)
