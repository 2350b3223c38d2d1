"""Hazards: their distributions, and whether futures can be drawn from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lodeplan.scenarios.rules.findings import Findings
from lodeplan.scenarios.rules.profiles import TOLERANCE
from lodeplan.schemas.hazards import Hazard, Triangle

Values = float | Mapping[float, float] | Triangle
"""What a `Distribution` may be."""


def check(findings: Findings) -> None:
    """Distributions that are none, and a draw that has nothing to draw from."""
    for name, hazard in findings.scenario.hazards.items():
        keys = ["hazards", name]
        _check_distribution(findings, [*keys, "duration_years"], hazard.duration_years)
        _check_distribution(findings, [*keys, "availability_share"], hazard.availability_share)
        _check_shares(findings, [*keys, "availability_share"], hazard.availability_share)
        if hazard.changes == "output" and hazard.destinations != ["*"]:
            message = "output is lost whatever its destination; only a hazard that changes exports has some."
            remedy = "Remove them, or let it change exports."
            findings.note("no_destinations", [*keys, "destinations"], message, value=hazard.destinations, remedy=remedy)
    _check_sampling(findings)


def warn(findings: Findings) -> None:
    """Hazards that are never drawn, or change nothing."""
    scenario = findings.scenario
    for name, hazard in scenario.hazards.items():
        keys = ["hazards", name]
        if scenario.sampling is None:
            message = "no futures are drawn from the hazards."
            findings.note("unused", keys, message, remedy="Say in `sampling` how many to draw.")
        elif reason := _why_idle(hazard):
            findings.note("unused", keys, f"the hazard interrupts nothing: {reason}.")
        if hazard.bloc_correlation > 0 and hazard.bloc is None:
            message = "the correlation is with other hazards of its bloc, but it has no `bloc`."
            findings.note("unused", [*keys, "bloc_correlation"], message, value=hazard.bloc_correlation)


def _check_distribution(findings: Findings, keys: Sequence[str], values: Values) -> None:
    if isinstance(values, Triangle):
        if not values.low <= values.mode <= values.high:
            message = "`low`, `mode` and `high` of a triangle must be in this order."
            found = [values.low, values.mode, values.high]
            findings.note("triangle", keys, message, value=found, allowed="low <= mode <= high")
    elif isinstance(values, Mapping):
        total = sum(values.values())
        if abs(total - 1) > TOLERANCE:
            message = f"the probabilities of the values add up to {total:.6g}, not 1."
            remedy = "Write each value with its probability, such as `0=0.5; 0.4=0.5`."
            more = {"value": round(total, 9), "allowed": "a sum of 1", "remedy": remedy}
            findings.note("sum_not_1", keys, message, **more)


def _check_shares(findings: Findings, keys: Sequence[str], values: Values) -> None:
    high = ends(values)[1]
    if high > 1:
        message = "the remaining availability is a share from 0 to 1."
        remedy = f"Did you mean {high / 100:.10g}?" if high <= 100 else None
        findings.note("out_of_bounds", keys, message, value=high, allowed="values from 0 to 1", remedy=remedy)


def _check_sampling(findings: Findings) -> None:
    sampling, horizon = findings.scenario.sampling, findings.scenario.horizon
    if sampling is None:
        return
    if findings.knows("hazards") and not findings.names("hazards"):
        message = "futures are to be drawn from hazards, but the scenario has none."
        findings.note("no_hazards", ["sampling"], message, remedy="Add `hazards`, or remove `sampling`.")
    if sampling.futures > sampling.draws:
        message = "more futures are to be kept than drawn."
        allowed = f"at most {sampling.draws}, the `draws`"
        findings.note("too_few_draws", ["sampling", "futures"], message, value=sampling.futures, allowed=allowed)
    if findings.knows("horizon") and len(horizon.period_years) == 1:
        message = "hazards begin after the first period, and the horizon has one period only."
        findings.note("no_second_period", ["sampling"], message, remedy="Cut the horizon into more periods.")


def _why_idle(hazard: Hazard) -> str | None:
    if hazard.yearly_rate == 0:
        return "its yearly rate is 0"
    if ends(hazard.duration_years)[1] == 0:
        return "it lasts 0 years"
    if ends(hazard.availability_share)[0] == 1:
        return "all is left while it holds"
    return None


def ends(values: Values) -> tuple[float, float]:
    """The least and the largest value."""
    if isinstance(values, Triangle):
        return min(values.low, values.mode, values.high), max(values.low, values.mode, values.high)
    listed = list(values) if isinstance(values, Mapping) else [values]
    return min(listed), max(listed)
