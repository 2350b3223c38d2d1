"""Futures drawn from hazards and reduced to a few."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lodeplan.optimizer.expand.draws import Interruptions, Ints, draw_interruptions
from lodeplan.optimizer.expand.names import refuse_names
from lodeplan.optimizer.expand.reduction import Reduction, reduce_points
from lodeplan.optimizer.expand.writing import NO_DRAW, Writer
from lodeplan.optimizer.prepare.calendar import Calendar, Floats
from lodeplan.schemas.hazards import Hazard, Sampling
from lodeplan.schemas.plan import LostShare, SamplingReport
from lodeplan.schemas.problems import InputProblem, InvalidInput, join_path
from lodeplan.schemas.scenario import Scenario

GRAIN = 365
"""Draws are equal where all their losses, rounded to this part of a period's supply, are."""
MAX_LETTERS_OF_HAZARD = 80
"""So that names with years, numbers and a word on further events stay within what a name may have."""


@dataclass(frozen=True)
class Draws:
    """All draws of all hazards, and the candidates for being kept: distinct draws, and the one without events."""

    interruptions: Mapping[str, Interruptions]
    lost: Floats
    """What is lost of each hazard's supply in each period; shape (draws, hazards, periods)."""
    candidate: Ints
    """Draw of each candidate; `NO_DRAW` for the one without events."""
    weight: Floats
    """Number of draws that are equal to each candidate."""

    @property
    def candidates_lost(self) -> Floats:
        """Losses in each candidate; shape (candidates, hazards, periods)."""
        return np.where((self.candidate == NO_DRAW)[:, None, None], 0.0, self.lost[self.candidate])


def with_drawn_futures(scenario: Scenario, sampling: Sampling) -> tuple[Scenario, SamplingReport]:
    """The scenario with drawn futures written out instead of hazards and `sampling`."""
    _check_names(scenario.hazards)
    calendar = Calendar.of(scenario.horizon)
    draws = draw_futures(scenario.hazards, sampling, calendar)
    # Times the length of periods, so that a year lost weighs the same in each; every hazard weighs the same.
    lost_y = draws.candidates_lost * np.array(calendar.lengths)
    reduction = reduce_points(lost_y.reshape(len(lost_y), -1), draws.weight, sampling.futures)
    listed = sum(future.probability or 0.0 for future in scenario.futures.values() if not future.stress)
    left = max(0.0, 1.0 - listed)
    writer = Writer(scenario.hazards, draws.interruptions, calendar)
    for number in np.argsort(-reduction.weight, kind="stable"):
        writer.add(int(draws.candidate[reduction.kept[number]]), float(reduction.weight[number]) * left)
    refuse_names("events", scenario.events, writer.events, "Rename the event, or the hazard.")
    refuse_names("futures", scenario.futures, writer.futures, "Rename the future, or the hazard.")
    written = {
        "events": {**scenario.events, **writer.events},
        "futures": {**scenario.futures, **writer.futures},
        "hazards": {},
        "sampling": None,
    }
    return scenario.model_copy(update=written), _report(sampling, calendar, draws, reduction, left)


def _check_names(hazards: Mapping[str, Hazard]) -> None:
    problems = [
        InputProblem(
            code="name_too_long",
            path=join_path(["hazards", name]),
            message=f"the name has {len(name)} characters, too many for the events and futures named after it.",
            allowed=f"at most {MAX_LETTERS_OF_HAZARD}, where futures are drawn",
            remedy="Shorten it; use `title` for a longer name.",
        )
        for name in hazards
        if len(name) > MAX_LETTERS_OF_HAZARD
    ]
    if problems:
        raise InvalidInput(problems)


def draw_futures(hazards: Mapping[str, Hazard], sampling: Sampling, calendar: Calendar) -> Draws:
    """Draw all hazards, and merge the draws in which the same is lost."""
    interruptions = {name: draw_interruptions(name, hazard, sampling, calendar) for name, hazard in hazards.items()}
    lost = np.zeros((sampling.draws, len(hazards), len(calendar)))
    for number, (name, hazard) in enumerate(hazards.items()):
        lost[:, number] = lost_shares(interruptions[name], hazard.recovery_years, sampling.draws, calendar)
    grains = np.round(lost * GRAIN).astype(np.int16).reshape(sampling.draws, -1)
    # A row without loss goes first: a candidate even where no draw is like it, and without the events of any.
    rows = np.vstack([np.zeros((1, grains.shape[1]), np.int16), grains])
    _, first, times = np.unique(rows, axis=0, return_index=True, return_counts=True)
    times[first == 0] -= 1
    return Draws(interruptions, lost, first - 1, times.astype(float))


def lost_shares(interruptions: Interruptions, recovery_years: float, draws: int, calendar: Calendar) -> Floats:
    """1 less the availability of what a hazard interrupts, as the plan will count it; shape (draws, periods).

    Interruptions by one hazard are over and recovered before the next begins, so what is lost adds up.
    """
    spans = interruptions.spans(calendar)
    fractions = {span: calendar.fraction(*span, recovery_years) for span in set(spans)}
    fraction = np.array([fractions[span] for span in spans]).reshape(-1, len(calendar))
    lost = np.zeros((draws, len(calendar)))
    np.add.at(lost, interruptions.draw, fraction * (1.0 - interruptions.left_share[:, None]))
    return np.minimum(lost, 1.0)


def _report(
    sampling: Sampling, calendar: Calendar, draws: Draws, reduction: Reduction, probability: float
) -> SamplingReport:
    years = np.array([0, *calendar.lengths[1:]]) / max(1, sum(calendar.lengths[1:]))
    drawn = draws.lost.mean(axis=0) @ years
    kept = np.tensordot(reduction.weight, draws.candidates_lost[reduction.kept], 1) @ years
    of_one = reduction.distance_of_one
    return SamplingReport(
        seed=sampling.seed,
        draws=sampling.draws,
        distinct_draws=int((draws.weight > 0).sum()),
        futures=len(reduction.kept),
        probability=probability,
        distance_y=reduction.distance,
        relative_distance=reduction.distance / of_one if of_one > 0 else 0.0,
        lost_share={
            name: LostShare(drawn=before, kept=after)
            for name, before, after in zip(draws.interruptions, drawn.tolist(), kept.tolist(), strict=True)
        },
    )
