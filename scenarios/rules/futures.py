"""Consistency of futures: probabilities, the futures they follow, their departures, and the limits that name them."""

from __future__ import annotations

from collections.abc import Mapping, Set
from itertools import accumulate
from typing import Any

from lodeplan.scenarios.rules.findings import Findings
from lodeplan.scenarios.rules.profiles import TOLERANCE
from lodeplan.scenarios.selections import matching
from lodeplan.schemas.events import Future
from lodeplan.schemas.limits import Limit, Survival
from lodeplan.schemas.scenario import Horizon

MAX_LINE = 100
"""Futures that follow one another; each departs in a later period, of which there are no more."""
_NO_PROBABILITY = 1e-12

Chances = Mapping[str, float | None]
"""Probabilities of futures that are no stress tests, as given."""
Wrong = tuple[str, dict[str, Any]]
"""A message, and what else to say of the problem."""


def check(findings: Findings) -> None:
    """Probabilities that do not add up, lines of futures that cannot be, and futures that never come."""
    futures = findings.scenario.futures
    events_of = {name: set(future.events) for name, future in futures.items()}
    for name, future in futures.items():
        _check_stress(findings, name, future)
        _check_line(findings, name, future, events_of)
    _check_survival_names(findings)
    if findings.can_read_shapes("futures", "sampling"):
        _check_probabilities(findings)
    for name, limit in findings.scenario.limits.items():
        _check_scope(findings, ["limits", name], limit)
    if findings.knows("horizon") and findings.can_read("events", "futures", "sampling"):
        _Departures(findings).check()


def warn(findings: Findings) -> None:
    """Limits on futures without a node of their own."""
    futures, made = findings.scenario.futures, findings.selections.survival_futures
    known = {*futures, *made}
    for name, limit in findings.scenario.limits.items():
        meant = matching(limit.futures, known) if limit.futures else set()
        if meant and not any(future in made or futures[future].events for future in meant):
            message = "it applies nowhere: a future without events has no years of its own."
            findings.note("unused", ["limits", name, "futures"], message, value=limit.futures)


def line(futures: Mapping[str, Future], name: str) -> list[str]:
    """A future and those it follows, nearest first; empty if an unknown one or a circle is among them, or too many."""
    found = {name: None}
    while (after := futures[next(reversed(found))].after) is not None:
        if after in found or after not in futures or len(found) == MAX_LINE:
            return []
        found[after] = None
    return list(found)


def _check_stress(findings: Findings, name: str, future: Future) -> None:
    keys = ["futures", name]
    if future.stress and future.probability:
        message = "a stress test is not a forecast: its probability is 0."
        remedy = "Remove the probability or `stress`."
        more = {"value": future.probability, "allowed": "0, or none given", "remedy": remedy}
        findings.note("stress_probability", [*keys, "probability"], message, **more)
    followed = findings.scenario.futures.get(future.after or "")
    if followed is not None and followed.stress and not future.stress:
        message = "a future that follows a stress test must be one too."
        findings.note("after_stress", [*keys, "after"], message, value=future.after, remedy="Set `stress: true`.")


def _check_line(findings: Findings, name: str, future: Future, events_of: Mapping[str, Set[str]]) -> None:
    """What follows another must have something new, and follow no circle."""
    futures = findings.scenario.futures
    keys = ["futures", name]
    chain = line(futures, name)
    seen = {event for other in chain[1:] for event in events_of[name] & events_of[other]}
    for event in future.events:
        if event in seen:
            message = "the future has this event already."
            remedy = "A future has the events of those it follows; give each event once."
            findings.note("repeated_event", [*keys, "events"], message, value=event, remedy=remedy)
        seen.add(event)
    if future.after is None:
        return
    if not chain and _is_in_circle(futures, name):
        message = f"the future follows itself, or more than {MAX_LINE} others."
        remedy = "Let one of the line depart from the base path."
        findings.note("follows_itself", [*keys, "after"], message, value=future.after, remedy=remedy)
    if not future.events:
        message = "a future that follows another needs an event of its own, or it would never depart from it."
        findings.note("no_event", [*keys, "events"], message, remedy="Give it one, or remove it.")


def _is_in_circle(futures: Mapping[str, Future], name: str) -> bool:
    """Whether a future follows itself, or so many that they might as well."""
    found = {name}
    after = futures[name].after
    while after is not None and after in futures and len(found) < MAX_LINE:
        if after in found:
            return after == name
        found.add(after)
        after = futures[after].after
    return len(found) == MAX_LINE


def _check_survival_names(findings: Findings) -> None:
    for name, (limit, place) in findings.selections.survival_futures.items():
        if name in findings.names("futures"):
            message = f"the limit `{limit}` stands for a future of this name, without `{place}`."
            findings.note("ambiguous_name", ["futures", name], message, remedy="Give it another name.")


def _check_probabilities(findings: Findings) -> None:
    scenario = findings.scenario
    chances = {name: future.probability for name, future in scenario.futures.items() if not future.stress}
    wrong = None
    if scenario.futures:
        wrong = _wrong_beside_drawn(chances) if scenario.sampling is not None else _wrong_alone(chances)
    if wrong is not None:
        message, more = wrong
        findings.note("probabilities", ["futures"], message, **more)


def _wrong_beside_drawn(chances: Chances) -> Wrong | None:
    """What is wrong with probabilities that leave the rest to futures that are drawn."""
    if blank := _without_chance(chances):
        message = (
            "drawn futures take the probability that the listed ones leave, so each listed one needs a probability."
        )
        return message, {"value": blank, "remedy": "Give it, or remove `sampling`."}
    total, listed = _sum_of(chances)
    if total > 1 - TOLERANCE:
        message = f"the probabilities add up to {total:.6g} and leave nothing for drawn futures: {listed}."
        return message, {"value": round(total, 9), "allowed": "a sum below 1", "remedy": "Lower some of them."}
    return None


def _wrong_alone(chances: Chances) -> Wrong | None:
    """What is wrong with probabilities of all futures that there are."""
    blank = _without_chance(chances)
    total, listed = _sum_of(chances)
    if not chances:
        message = "all futures are stress tests, so no future has a probability."
        return message, {"remedy": "Add one without events, such as `as_planned: {}`."}
    if len(blank) > 1:
        message = f"{len(blank)} futures have no probability; at most one may omit it and take what the others leave."
        return message, {"value": blank}
    if total > 1 + TOLERANCE or (not blank and total < 1 - TOLERANCE):
        remedy = "Leave one of them out: it takes what the others leave." if total < 1 else "Lower some of them."
        more = {"value": round(total, 9), "allowed": "a sum of 1", "remedy": remedy}
        return f"the probabilities add up to {total:.6g}, not 1: {listed}.", more
    return None


def _without_chance(chances: Chances) -> list[str]:
    return [name for name, chance in chances.items() if chance is None]


def _sum_of(chances: Chances) -> tuple[float, str]:
    """The sum of the probabilities given, and its first ten terms in words."""
    given = {name: chance for name, chance in chances.items() if chance is not None}
    listed = " + ".join(f"{value:g} ({name})" for name, value in list(given.items())[:10])
    return sum(given.values()), listed + (" + ..." if len(given) > 10 else "")


def _check_scope(findings: Findings, keys: list[str], limit: Limit) -> None:
    if isinstance(limit, Survival):
        for field, default in (("futures", []), ("applies_to", "all")):
            found = getattr(limit, field)
            if found != default:
                message = f"the limit applies to the futures that it creates; it cannot have `{field}`."
                findings.note("two_scopes", [*keys, field], message, value=found, remedy="Remove it.")
    elif limit.futures and limit.applies_to == "base_path":
        message = "`futures` and `applies_to: base_path` are both given; no node belongs to both."
        findings.note("two_scopes", [*keys, "applies_to"], message, remedy="Remove one of them.")


class _Departures:
    """When futures depart from what they follow, and whether anything is left of it by then."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.futures = {
            name: future for name, future in findings.scenario.futures.items() if line(findings.scenario.futures, name)
        }
        self.events_of = {name: set(future.events) for name, future in self.futures.items()}
        self.horizon = findings.scenario.horizon
        self.departs = {name: self._departure(name) for name in self.futures}
        stated = sum(future.probability or 0 for future in self.futures.values())
        blank = 0.0 if findings.scenario.sampling else max(0.0, 1 - stated)
        self.leaves: dict[str, float] = dict.fromkeys(self.futures, 0.0)
        """Probability that leaves with each: its own and that of all that follow it."""
        for name, future in self.futures.items():
            own = 0.0 if future.stress else blank if future.probability is None else future.probability
            for above in line(self.futures, name):
                self.leaves[above] += own
        self.gone: dict[str | None, list[float]] = {}
        """Of the base path and each future that others follow: what has departed from it by each period."""
        for name, future in self.futures.items():
            gone = self.gone.setdefault(future.after, [0.0] * len(self.horizon.period_years))
            if (departs := self.departs[name]) is not None:
                gone[departs] += self.leaves[name]
        self.gone = {branch: list(accumulate(gone)) for branch, gone in self.gone.items()}

    def check(self) -> None:
        for name, future in self.futures.items():
            period = self.departs[name]
            if period is None:
                continue
            if future.after is not None and not self.futures[future.after].events:
                message = "the future it follows has no events, so it never departs from the base path."
                keys = ["futures", name, "after"]
                self.findings.note("departs_too_early", keys, message, value=future.after, remedy="Leave `after` out.")
            elif future.after is not None and period <= (departs := self.departs[future.after] or 0):
                self._note_too_early(name, future.after, departs)
            elif self._left(future.after, period - 1) < _NO_PROBABILITY:
                message = (
                    "the future can never happen: earlier futures have taken all probability before its first event."
                )
                remedy = "Remove it, or lower the probabilities of the others."
                self.findings.note("never_comes", ["futures", name], message, remedy=remedy)
        for name, limit in self.findings.scenario.limits.items():
            period = _period_of(self.horizon, limit.onset.year) if isinstance(limit, Survival) else 0
            if 0 < period < len(self.horizon.period_years) and self._left(None, period - 1) < _NO_PROBABILITY:
                message = "the loss can never happen: the futures have taken all probability before its onset."
                remedy = "Let it begin before, or add a future without events."
                self.findings.note("never_comes", ["limits", name, "onset"], message, remedy=remedy)

    def _departure(self, name: str) -> int | None:
        """Period of the first event that is not of those it follows; None if there is none within the horizon."""
        own, *before = [self.events_of[other] for other in line(self.futures, name)]
        events = self.findings.scenario.events
        periods = [_period_of(self.horizon, events[event].onset.year) for event in own.difference(*before)]
        return min((period for period in periods if 0 < period < len(self.horizon.period_years)), default=None)

    def _note_too_early(self, name: str, followed: str, departs: int) -> None:
        starts = list(accumulate(self.horizon.period_years, initial=self.horizon.first_year))
        message = f"`{followed}` itself departs in the period from {starts[departs]}, and this future not after that."
        allowed = f"a first event in {starts[departs + 1]} or later"
        remedy = "Let it begin later, or give the future all its events and leave `after` out."
        keys = ["futures", name, "after"]
        self.findings.note("departs_too_early", keys, message, value=followed, allowed=allowed, remedy=remedy)

    def _left(self, branch: str | None, period: int) -> float:
        """Probability on the base path, or on a future and those that have yet to depart from it, in a period."""
        gone = self.gone[branch][period] if branch in self.gone else 0.0
        if branch is None:
            return 1.0 - gone
        return 1.0 if self.futures[branch].stress else self.leaves[branch] - gone


def _period_of(horizon: Horizon, year: int) -> int:
    """Number of the period that contains a year."""
    ends = accumulate(horizon.period_years, initial=horizon.first_year)
    return sum(1 for end in ends if end <= year) - 1
