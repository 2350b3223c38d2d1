"""Expansion of a scenario before all other steps: survival limits and hazards are written out as futures and events.
`docs/reference/futures.md` describes the result.
"""

from __future__ import annotations

from dataclasses import dataclass

from lodeplan.optimizer.expand.survival import with_survival_futures
from lodeplan.schemas.plan import LostShare, SamplingReport
from lodeplan.schemas.scenario import Scenario

__all__ = ["Expansion", "LostShare", "SamplingReport", "expand"]


@dataclass(frozen=True)
class Expansion:
    """A scenario without survival limits, hazards and `sampling`, and how its futures were drawn."""

    scenario: Scenario
    """Hazards stay where nothing was drawn from them."""
    sampling: SamplingReport | None
    """None where nothing was drawn."""


def expand(scenario: Scenario) -> Expansion:
    """Write out the futures that `sampling` draws and survival limits stand for; the same object if there are none.

    Raises `schemas.InvalidInput` (a `ValueError`) where a name to be given is taken, or too long.
    """
    drawn, report = scenario, None
    if scenario.sampling is not None:
        # Few scenarios draw; those that do load SciPy for it.
        from lodeplan.optimizer.expand.sampling import with_drawn_futures

        drawn, report = with_drawn_futures(scenario, scenario.sampling)
    return Expansion(with_survival_futures(drawn), report)
