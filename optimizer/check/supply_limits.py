"""Rows of limits on where home's supply of a commodity comes from (conventions, "Stockpiles, limits")."""

from __future__ import annotations

from collections.abc import Iterable

from lodeplan.optimizer.check.case import Case
from lodeplan.optimizer.check.ledger import Ledger
from lodeplan.optimizer.check.periods import mean
from lodeplan.optimizer.check.selections import place_share
from lodeplan.optimizer.check.supply import Source, exported_t_per_y, is_recycled, supply_of, used_t_per_y
from lodeplan.optimizer.check.tree import Node
from lodeplan.schemas.limits import ConcentrationCap, MinimumShare, NetImportReliance, ShareCap


def check_supply_limit(case: Case, node: Node, name: str, ledger: Ledger) -> None:
    """A limit of one of these kinds at a node it applies to, with the slack the plan takes."""
    limit = case.scenario.limits[name]
    slack = case.plan.value("slack", node.name, (name, ""))
    under = f"under limit {name} at {node.name}"
    if isinstance(limit, ShareCap):
        sources = supply_of(case, node, limit.commodity)
        bound = mean(limit.cap_share, node.period) * _whole(case, node, limit, sources)
        used, unit = _capped_t_per_y(case, name, limit, sources), case.units[limit.commodity]
        ledger.at_most(f"{_what_is_capped(limit)} {under}", used, bound + slack, unit)
    elif isinstance(limit, MinimumShare):
        sources = supply_of(case, node, limit.commodity)
        at_home = [source for source in sources if source.origin is None]
        counted = at_home if limit.source == "domestic" else [one for one in at_home if is_recycled(case, one)]
        bound = mean(limit.minimum_share, node.period) * _whole(case, node, limit, sources)
        unit = case.units[limit.commodity]
        ledger.at_least(f"{limit.source} supply {under}", _total(counted) + slack, bound, unit)
    elif isinstance(limit, NetImportReliance):
        sources = supply_of(case, node, limit.commodity)
        exports = exported_t_per_y(case, node, limit.commodity)
        imports = _total(source for source in sources if source.origin is not None)
        whole = _whole(case, node, limit, sources) - (exports if limit.of == "supply" else 0.0)
        bound = mean(limit.cap_share, node.period) * whole
        ledger.at_most(f"net imports {under}", imports - exports, bound + slack, case.units[limit.commodity])
    elif isinstance(limit, ConcentrationCap):
        _is_not_concentrated(case, node, name, ledger)


def _total(sources: Iterable[Source]) -> float:
    return sum(source.flow_t_per_y for source in sources)


def _whole(
    case: Case, node: Node, limit: ShareCap | MinimumShare | NetImportReliance | ConcentrationCap, sources: list[Source]
) -> float:
    """What a share is of: all supply, or use."""
    return _total(sources) if limit.of == "supply" else used_t_per_y(case, node, limit.commodity)


def _what_is_capped(limit: ShareCap) -> str:
    return "flow into home" if limit.origin_role == "last_origin" else f"supply {limit.origin_role} of the places"


def _capped_t_per_y(case: Case, name: str, limit: ShareCap, sources: list[Source]) -> float:
    """Arrivals from the places, by share of a region; by another role all supply that carries the tag."""
    if limit.origin_role != "last_origin":
        tag = case.world.content.tags.of_caps[name]
        return _total(source for source in sources if tag in source.variant)
    return sum(
        place_share(limit.places, source.origin, case.scenario.places) * source.flow_t_per_y
        for source in sources
        if source.origin is not None
    )


def _is_not_concentrated(case: Case, node: Node, name: str, ledger: Ledger) -> None:
    """The sum of squares, each at the highest of its tangents, <= index * total; the true one within their error."""
    limit = case.scenario.limits[name]
    if not isinstance(limit, ConcentrationCap):
        return
    flows: dict[str, float] = {}
    sources = supply_of(case, node, limit.commodity)
    for source in sources:
        place = source.origin or case.scenario.home
        members = case.scenario.places[place].members if source.origin else {}
        for member, share in (members or {place: 1.0}).items():
            flows[member] = flows.get(member, 0.0) + share * source.flow_t_per_y
    total, unit = _whole(case, node, limit, sources), case.units[limit.commodity]
    index, under = mean(limit.cap_index, node.period), f"under limit {name} at {node.name}"
    slack = case.plan.value("slack", node.name, (name, ""))
    squares = sum(square_t_per_y(flow, total, limit.tangents) for flow in flows.values())
    ledger.at_most(f"sum of squares (by tangents) {under}", squares, index * total + slack, unit)
    if total <= 0 or max(flows.values(), default=0.0) > total:
        return  # nothing, or more of one source than is used: the tangents end at the whole
    within = index + len(flows) / (4 * limit.tangents**2)
    squares = sum(flow**2 for flow in flows.values()) / total
    ledger.at_most(f"sum of squares {under}", squares, within * total + slack, unit)


def square_t_per_y(flow: float, total: float, tangents: int) -> float:
    """Least square of a source, times the total, that is on or above all tangents, and not below 0."""
    touching = [(2 * number - 1) / (2 * tangents) for number in range(1, tangents + 1)]
    return max(0.0, *(2 * at * flow - at**2 * total for at in touching))
