"""Caps on shares of supply: they must leave something to buy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from itertools import accumulate, pairwise

from lodeplan.scenarios.rules.effects import made_at_home, sources_abroad
from lodeplan.scenarios.rules.findings import Findings
from lodeplan.scenarios.rules.profiles import TOLERANCE, in_year, numbers
from lodeplan.scenarios.selections import matching
from lodeplan.schemas.limits import ConcentrationCap, NetImportReliance, ShareCap

Source = tuple[str, str]
"""A place abroad that something is brought from, and a member of it, if it is a region, or itself."""


def warn(findings: Findings) -> None:
    """Caps, alone or together, that are kept only by buying nothing. A share of use is kept by buying less."""
    by_commodity: dict[str, dict[str, ShareCap]] = {}
    for name, limit in findings.scenario.limits.items():
        if not isinstance(limit, ConcentrationCap | NetImportReliance | ShareCap) or limit.of == "use":
            continue
        if isinstance(limit, ConcentrationCap):
            if limit.violation_price_kusd is None:
                _warn_of_few_sources(findings, name, limit)
        elif not made_at_home(findings, limit.commodity):
            if isinstance(limit, NetImportReliance):
                _warn_of_reliance(findings, name, limit)
            elif limit.origin_role == "last_origin":
                by_commodity.setdefault(limit.commodity, {})[name] = limit
    for commodity, caps in by_commodity.items():
        _warn_of_share_caps(findings, commodity, caps)


def _warn_of_few_sources(findings: Findings, name: str, limit: ConcentrationCap) -> None:
    count = len(sources_abroad(findings, limit.commodity)) + made_at_home(findings, limit.commodity)
    least = min(numbers(limit.cap_index))
    if count and least * count < 1:
        message = f"the index of {count} source{'s' if count > 1 else ''} is at least {1 / count:.3g}: no plan could "
        message += f"buy or make `{limit.commodity}`."
        keys = ["limits", name, "cap_index"]
        findings.note("too_few_sources", keys, message, value=least, allowed=f"{1 / count:.3g} or more")


def _warn_of_reliance(findings: Findings, name: str, limit: NetImportReliance) -> None:
    least = min(numbers(limit.cap_share))
    if least < 1:
        _warn_at(findings, name, f"nothing at home makes or recovers `{limit.commodity}`, so the share is 1", least)


def _warn_of_share_caps(findings: Findings, commodity: str, caps: Mapping[str, ShareCap]) -> None:
    """Caps on all that is brought of a commodity, and hard ones that together allow less than all of it."""
    sources = _sources(findings, commodity)
    meant = {name: {source for source in sources if _is_meant(findings, source, cap)} for name, cap in caps.items()}
    hard = {}
    for name, cap in caps.items():
        least = min(numbers(cap.cap_share))
        if meant[name] == sources and least < 1:
            _warn_at(findings, name, f"no place but these supplies `{commodity}`, so the share is 1", least)
        elif cap.violation_price_kusd is None:
            hard[name] = cap
    for together in _that_meet(findings, hard):
        for year, end in pairwise(_first_years(findings)):
            shares = {
                name: sum(in_year(hard[name].cap_share, each) for each in range(year, end)) / (end - year)
                for name in together
            }
            if found := _cover(sources, {name: meant[name] for name in together}, shares):
                _warn_of_several(findings, commodity, {name: shares[name] for name in sorted(found)}, year)
                return


def _warn_of_several(findings: Findings, commodity: str, shares: Mapping[str, float], year: int) -> None:
    *others, name = shares
    listed = " and ".join(f"`{other}`" for other in others)
    why = (
        f"with {listed} it takes in all places that supply `{commodity}`, and from {year} on these caps allow "
        f"{sum(shares.values()):.4g} of it together"
    )
    remedy = "Add another source, let the shares add to 1 or more, or give a cap a `violation_price_kusd`."
    _warn_at(findings, name, why, round(shares[name], 9), remedy)


def _warn_at(
    findings: Findings, name: str, why: str, value: float, remedy: str = "Add another source, or raise the share to 1."
) -> None:
    message = f"{why}: only buying nothing keeps the limit."
    findings.note("met_by_nothing", ["limits", name, "cap_share"], message, value=value, remedy=remedy)


def _sources(findings: Findings, commodity: str) -> set[Source]:
    places = findings.scenario.places
    return {(place, part) for place in sources_abroad(findings, commodity) for part in places[place].members or [place]}


def _is_meant(findings: Findings, source: Source, cap: ShareCap) -> bool:
    return any(findings.selections.weight(place, cap.places) == 1 for place in source)


def _that_meet(findings: Findings, caps: Mapping[str, ShareCap]) -> Iterator[list[str]]:
    """The caps that apply on the planned path, and those that do in each future that some of them name."""
    scenario = findings.scenario
    yield [name for name, cap in caps.items() if not cap.futures]
    stress = {name: future.stress for name, future in scenario.futures.items()}
    for future, is_stress in {**stress, **dict.fromkeys(findings.selections.survival_futures, True)}.items():
        named = [name for name, cap in caps.items() if matching(cap.futures, [future])]
        if named:
            everywhere = [name for name, cap in caps.items() if not cap.futures and cap.applies_to == "all"]
            yield named + ([] if is_stress else everywhere)


def _first_years(findings: Findings) -> list[int]:
    """Of each period, and of what comes after the horizon."""
    horizon = findings.scenario.horizon
    return list(accumulate(horizon.period_years, initial=horizon.first_year))


def _cover(sources: Set[Source], meant: Mapping[str, Set[Source]], shares: Mapping[str, float]) -> list[str]:
    """Caps that take in all sources and allow less than 1 together; none if there are none, as far as is easily seen.

    One by one that is taken which adds the least share a source; then those that turn out to add none go.
    """
    left, chosen = set(sources), list[str]()
    while left:
        useful = [name for name in meant if meant[name] & left]
        if not useful:
            return []
        chosen.append(min(useful, key=lambda name: shares[name] / len(meant[name] & left)))
        left -= meant[chosen[-1]]
    for name in list(chosen):
        others = [meant[other] for other in chosen if other != name]
        if sources <= set[Source]().union(*others):
            chosen.remove(name)
    return chosen if sum(shares[name] for name in chosen) < 1 - TOLERANCE else []
