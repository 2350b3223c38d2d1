"""Consistency of demands, substitutes, elastic demand and recycling."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate, pairwise

from lodeplan.scenarios.rules.findings import Findings
from lodeplan.scenarios.rules.profiles import TOLERANCE, largest, numbers
from lodeplan.schemas.scenario import Demand, Recycling, Substitute


def check(findings: Findings) -> None:
    """Penalties that do not rise, substitutes of a commodity by itself, recycling of nothing."""
    for name, demand in findings.scenario.demands.items():
        keys = ["demands", name]
        _check_shortage_steps(findings, [*keys, "shortage_penalty_kusd_per_t"], demand)
        for key, substitute in demand.substitutes.items():
            _check_substitute(findings, [*keys, "substitutes", key], demand, substitute)
    for name, recycling in findings.scenario.recycling.items():
        _check_recycling(findings, ["recycling", name], recycling)


def warn(findings: Findings) -> None:
    """Substitutes that come too late, needs that are given up at no price, recycling of what nobody uses."""
    for name, demand in findings.scenario.demands.items():
        for key, substitute in demand.substitutes.items():
            _warn_of_delay(findings, ["demands", name, "substitutes", key], substitute)
        _warn_of_elastic(findings, ["demands", name, "elastic"], demand)
    for name, recycling in findings.scenario.recycling.items():
        _warn_of_recycling(findings, ["recycling", name], recycling)


def _check_shortage_steps(findings: Findings, keys: list[str], demand: Demand) -> None:
    steps = demand.shortage_penalty_kusd_per_t
    if not isinstance(steps, Mapping):
        return
    shares, penalties = list(steps), list(steps.values())
    if any(after <= before for before, after in pairwise([0.0, *shares])) or abs(shares[-1] - 1) > TOLERANCE:
        message = "the shares must rise from above 0 to exactly 1."
        findings.note("shortage_steps", keys, message, value=shares, allowed="rising shares, the last 1")
    if any(after < before for before, after in pairwise(penalties)):
        message = "the penalties must rise; otherwise the most valuable need would go short first."
        findings.note("shortage_steps", keys, message, value=penalties, allowed="rising penalties")


def _check_substitute(findings: Findings, keys: list[str], demand: Demand, substitute: Substitute) -> None:
    name = keys[-1]
    if substitute.commodity == demand.commodity:
        message = "a substitute must be a different commodity."
        remedy = "Name another one, or none if the need is reduced."
        findings.note("refers_to_itself", [*keys, "commodity"], message, value=substitute.commodity, remedy=remedy)
    if name.split("/")[0] == "itself" or name.startswith("given up "):
        message = "in results this name stands for the commodity itself, or for need given up to the price."
        findings.note("ambiguous_name", keys, message, value=name, remedy="Give it another name.")


def _check_recycling(findings: Findings, keys: list[str], recycling: Recycling) -> None:
    if (recycling.from_commodity is None) == (recycling.available_t_per_y is None):
        given = "both are" if recycling.from_commodity is not None else "neither is"
        message = f"of `from_commodity` and `available_t_per_y` {given} given."
        findings.note("recycling", keys, message, remedy="Give one of them.")
    elif recycling.from_commodity is not None and largest(recycling.recovered_t_per_t) == 0:
        message = "nothing is recovered from past use."
        remedy = "Give the share that is recovered, such as 0.3."
        findings.note("recycling", [*keys, "recovered_t_per_t"], message, value=0, allowed="above 0", remedy=remedy)
    elif recycling.available_t_per_y is not None:
        for field in ("recovered_t_per_t", "lag_years", "past_use_t_per_y"):
            found = getattr(recycling, field)
            if found != 0:
                message = f"`available_t_per_y` states the recovery; `{field}` applies only to a share of past use."
                findings.note("recycling", [*keys, field], message, value=found, remedy="Remove one of them.")


def _warn_of_delay(findings: Findings, keys: list[str], substitute: Substitute) -> None:
    scenario = findings.scenario
    starts = _starts(findings)
    departs = any(future.events for future in scenario.futures.values())
    departs = departs or bool(scenario.sampling or findings.selections.survival_futures)
    if substitute.after_departure and not (departs and len(starts) > 1):
        message = "it can be used only once a future departs, and none does."
        findings.note("unused", [*keys, "after_departure"], message)
    elif (starts[1] if substitute.after_departure else starts[0]) + substitute.delay_years > starts[-1]:
        message = "it cannot be used within the horizon."
        findings.note("outside_horizon", [*keys, "delay_years"], message, value=substitute.delay_years)


def _warn_of_elastic(findings: Findings, keys: list[str], demand: Demand) -> None:
    """Need is given up to the price before it falls short only if it is worth less."""
    curve = demand.elastic
    if curve is None:
        return
    if curve.down_to_share == 1:
        findings.note(
            "unused", [*keys, "down_to_share"], "no need can be given up: the curve ends where it begins.", value=1
        )
        return
    given_up = (1 - curve.down_to_share) * (curve.steps - 0.5) / curve.steps
    worth = curve.price_kusd_per_t * (1 + given_up / curve.elasticity)
    steps = demand.shortage_penalty_kusd_per_t
    penalty = next(iter(steps.values())) if isinstance(steps, Mapping) else steps
    if penalty < worth:
        message = f"a shortage costs {penalty:g} kUSD/t at first, less than the last need given up is worth, {worth:g}."
        allowed, remedy = f"{worth:g} or more", "Raise the penalty, `down_to_share` or `elasticity`."
        findings.note("shortage_before_price", keys, message, value=penalty, allowed=allowed, remedy=remedy)


def _warn_of_recycling(findings: Findings, keys: list[str], recycling: Recycling) -> None:
    product = recycling.from_commodity
    if product is None:
        return
    scenario, starts = findings.scenario, _starts(findings)
    if largest(recycling.recovered_t_per_t) > 1:
        message = "more is recovered than was used."
        found = recycling.recovered_t_per_t
        findings.note("above_use", [*keys, "recovered_t_per_t"], message, value=found, allowed="at most 1")
    place = recycling.place or scenario.home
    past_is_used = recycling.lag_years > 0 and any(numbers(recycling.past_use_t_per_y))
    users = [
        demand
        for demand in scenario.demands.values()
        if (demand.place or scenario.home) == place and demand.tier != "export"
    ]
    used = {demand.commodity for demand in users}
    used.update(item.commodity for demand in users for item in demand.substitutes.values() if item.commodity)
    if past_is_used:
        return
    if product not in used:
        message = f"no demand at `{place}` uses it, so nothing is recovered."
        findings.note("no_demand", [*keys, "from_commodity"], message, value=product)
    elif starts[0] + recycling.lag_years > starts[-1]:
        message = "material used within the horizon comes back after it, and earlier use is not given."
        remedy = "Give `past_use_t_per_y`."
        findings.note("outside_horizon", [*keys, "lag_years"], message, value=recycling.lag_years, remedy=remedy)


def _starts(findings: Findings) -> list[int]:
    """First years of the periods."""
    horizon = findings.scenario.horizon
    return list(accumulate(horizon.period_years[:-1], initial=horizon.first_year))
