"""Limits on shares of a commodity's supply, as rows of coefficients.

The whole is supply (all arrivals at home, gross output and recovery there) or use (what is needed there, met or not). A
row says: what is meant, less its share of the whole, is at most 0; a minimum is the same with its sign turned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.content import Content
from lodeplan.optimizer.prepare.parts import Parts
from lodeplan.optimizer.prepare.supply import Supply
from lodeplan.optimizer.prepare.tags import ORIGIN, Tag
from lodeplan.optimizer.prepare.trade import BandKey, Trade
from lodeplan.optimizer.prepare.tree import Tree
from lodeplan.schemas.limits import ConcentrationCap, MinimumShare, NetImportReliance, ShareCap
from lodeplan.schemas.scenario import Scenario

Shares = ShareCap | MinimumShare | NetImportReliance
Weights = dict[Any, float]


@dataclass
class ShareRow:
    """Coefficients of one row, by variable."""

    ship: Weights = field(default_factory=dict)
    """By (route, band)."""
    run: Weights = field(default_factory=dict)
    """By producer: per t of activity on any step."""
    activity: Weights = field(default_factory=dict)
    """By (producer, mode)."""
    recover: Weights = field(default_factory=dict)
    use: Weights = field(default_factory=dict)
    """By (demand, option)."""

    def add(self, other: ShareRow, factor: float) -> None:
        """Add a multiple of another row."""
        for mine, its in zip(self.parts(), other.parts(), strict=True):
            for key, weight in its.items():
                mine[key] = mine.get(key, 0.0) + factor * weight

    def parts(self) -> tuple[Weights, ...]:
        """The coefficients by variable, in the order of the fields."""
        return self.ship, self.run, self.activity, self.recover, self.use


@dataclass(frozen=True)
class Whole:
    """Total of which a share is taken: variables, and the part of use that is known beforehand."""

    row: ShareRow
    known_t_per_y: Floats
    """Quantities of demands, met or not; shape (nodes,)."""


class Reached(NamedTuple):
    """A limit on flows at a node: the value required, the value in a plan, and the margin left."""

    unit: str
    asked: float
    reached: float | None
    """None for a share of nothing."""
    left_t_per_y: float
    of_t_per_y: float
    """What counts as little is a part of it."""


class FlowLimit(Protocol):
    """A limit on a sum of flows."""

    @property
    def meant(self) -> ShareRow:
        """The flows that are limited."""

    @property
    def whole(self) -> Whole:
        """Total to which they are compared."""

    @property
    def commodity(self) -> str | None:
        """Commodity whose shortage may be what keeps the limit; None where it is about the supply of none."""

    def row(self, node: int) -> tuple[ShareRow, float]:
        """Coefficients at a node, and what their sum, less slack, is at most, t/y."""

    def reached(self, node: int, meant_t_per_y: float, whole_t_per_y: float) -> Reached:
        """Value reached by a plan with these flows."""


@dataclass(frozen=True)
class ShareLimit:
    """A limit on a share, the same at every node but for the share and the quantities wanted."""

    meant: ShareRow
    whole: Whole
    share: Floats
    """Asked at each node; shape (nodes,)."""
    sign: float
    """1 for at most, -1 for at least."""
    commodity: str

    def row(self, node: int) -> tuple[ShareRow, float]:
        """Coefficients at a node, and what their sum, less slack, is at most, t/y."""
        row = ShareRow()
        row.add(self.meant, self.sign)
        row.add(self.whole.row, -self.sign * float(self.share[node]))
        return row, float(self.sign * self.share[node] * self.whole.known_t_per_y[node])

    def reached(self, node: int, meant_t_per_y: float, whole_t_per_y: float) -> Reached:
        """The share that a plan comes to."""
        share = float(self.share[node])
        reached = float(meant_t_per_y / whole_t_per_y) if whole_t_per_y > 0 else None
        left = float(self.sign * (share * whole_t_per_y - meant_t_per_y))
        return Reached("fraction", share, reached, left, max(whole_t_per_y, 0.0))


@dataclass(frozen=True)
class Concentration:
    """The sources of a commodity, whose squared shares are summed."""

    sources: Mapping[str, ShareRow]
    """By plain place: what comes from it; home with its output and recovery."""
    whole: Whole
    index: Mapping[int, float]
    """Herfindahl-Hirschman index at most, by node."""
    tangents: tuple[float, ...]
    """Shares at which the square has a tangent."""


def prepare_shares(content: Content, tree: Tree, parts: Parts) -> dict[str, FlowLimit]:
    """Share caps, minimum shares and net import reliance."""
    found: dict[str, FlowLimit] = {}
    for name, limit in content.scenario.limits.items():
        if not isinstance(limit, Shares):
            continue
        profile = limit.minimum_share if isinstance(limit, MinimumShare) else limit.cap_share
        found[name] = ShareLimit(
            meant=_meant(limit, content, parts, _arrivals(limit.commodity, content.scenario, parts.trade)),
            whole=_whole(limit, content.scenario, tree, parts),
            share=tree.calendar.mean(profile)[np.array(tree.period)],
            sign=-1.0 if isinstance(limit, MinimumShare) else 1.0,
            commodity=limit.commodity,
        )
    return found


def prepare_concentration(content: Content, tree: Tree, parts: Parts) -> dict[str, Concentration]:
    """Sources, index and tangents of concentration caps."""
    scenario, found = content.scenario, {}
    for name, limit in scenario.limits.items():
        if not isinstance(limit, ConcentrationCap):
            continue
        sources: dict[str, ShareRow] = {scenario.home: _made_at_home(limit.commodity, scenario, parts.supply)}
        for key in _arrivals(limit.commodity, scenario, parts.trade).ship:
            for place, share in content.selections.parts(scenario.routes[key[0]].origin).items():
                row = sources.setdefault(place, ShareRow())
                row.ship[key] = row.ship.get(key, 0.0) + share
        index = tree.calendar.mean(limit.cap_index)
        count = limit.tangents
        found[name] = Concentration(
            sources={place: row for place, row in sources.items() if any(row.parts())},
            whole=_whole(limit, scenario, tree, parts),
            index={node: float(index[period]) for node, period in enumerate(tree.period)},
            tangents=tuple((2 * j - 1) / (2 * count) for j in range(1, count + 1)),
        )
    return found


def _whole(limit: Shares | ConcentrationCap, scenario: Scenario, tree: Tree, parts: Parts) -> Whole:
    """Supply of a commodity at home, of reliance less exports; or its use there."""
    nothing = np.zeros(len(tree))
    if limit.of == "use":
        return _use(limit.commodity, scenario, nothing, parts)
    row = ShareRow()
    row.add(_arrivals(limit.commodity, scenario, parts.trade), 1.0)
    row.add(_made_at_home(limit.commodity, scenario, parts.supply), 1.0)
    if isinstance(limit, NetImportReliance):
        row.add(_exports(limit.commodity, scenario, parts), -1.0)
    return Whole(row, nothing)


def _use(commodity: str, scenario: Scenario, nothing: Floats, parts: Parts) -> Whole:
    """What is needed of a commodity at home: by its demands, by plants, and in place of other commodities."""
    demands = parts.demands
    at_home = {
        name
        for name, place in zip(demands.names, demands.place, strict=True)
        if place == scenario.home and demands.demands[name].tier != "export"
    }
    wanted = [
        quantity
        for name, quantity in zip(demands.names, demands.quantity_t_per_y, strict=True)
        if name in at_home and demands.demands[name].commodity == commodity
    ]
    row = ShareRow(
        run={
            name: producer.inputs[commodity]
            for name, producer in parts.supply.producers.items()
            if producer.place == scenario.home and commodity in producer.inputs
        },
        use={
            key: option.takes_t_per_t
            for key, option in demands.options.items()
            if key[0] in at_home
            and option.market is not None
            and option.market[0] == commodity != demands.demands[key[0]].commodity
        },
    )
    return Whole(row, nothing + sum(wanted, start=nothing))


def _meant(limit: Shares, content: Content, parts: Parts, arrivals: ShareRow) -> ShareRow:
    if isinstance(limit, NetImportReliance):
        net = ShareRow()
        net.add(arrivals, 1.0)
        net.add(_exports(limit.commodity, content.scenario, parts), -1.0)
        return net
    if isinstance(limit, MinimumShare):
        made = _made_at_home(limit.commodity, content.scenario, parts.supply)
        return made if limit.source == "domestic" else _of_scrap(made, content.scenario, parts.supply)
    if limit.origin_role != ORIGIN:
        return _tagged(limit, content, parts, arrivals)
    routes, weight = content.scenario.routes, content.selections.weight
    return ShareRow(ship={key: weight(routes[key[0]].origin, limit.places) for key in arrivals.ship})


def _tagged(limit: ShareCap, content: Content, parts: Parts, arrivals: ShareRow) -> ShareRow:
    """Supply in the variants that carry the tag of a cap by content."""
    tag, k = Tag.of(limit, content.selections), limit.commodity
    made = _made_at_home(k, content.scenario, parts.supply)
    supply, recycling = parts.supply, content.scenario.recycling
    return ShareRow(
        ship={key: 1.0 for key in arrivals.ship if tag in parts.trade.bands[key].content},
        run={f: t for f, t in made.run.items() if f in supply.single_mode and tag in supply.single_mode[f].outputs[k]},
        activity={
            (f, name): t
            for f, t in made.run.items()
            for (producer, name), mode in supply.activities.items()
            if producer == f and tag in mode.outputs[k]
        },
        recover={
            x: 1.0 for x in made.recover if tag in content.recovered(k, recycling[x].place or content.scenario.home)
        },
    )


def _arrivals(commodity: str, scenario: Scenario, trade: Trade) -> ShareRow:
    return ShareRow(ship=dict.fromkeys(_bands(commodity, trade, scenario, into=True), 1.0))


def _made_at_home(commodity: str, scenario: Scenario, supply: Supply) -> ShareRow:
    """Gross output and recovery at home."""
    return ShareRow(
        run={f: supply.producers[f].outputs[commodity] for f in supply.made_at(commodity, scenario.home)},
        recover={
            name: 1.0
            for name, rule in scenario.recycling.items()
            if rule.commodity == commodity and (rule.place or scenario.home) == scenario.home
        },
    )


def _of_scrap(made: ShareRow, scenario: Scenario, supply: Supply) -> ShareRow:
    def scrap_alone(producer: str) -> bool:
        inputs = supply.producers[producer].inputs
        return bool(inputs) and all(scenario.commodities[name].stage == "scrap" for name in inputs)

    return ShareRow(run={f: t for f, t in made.run.items() if scrap_alone(f)}, recover=dict(made.recover))


def _exports(commodity: str, scenario: Scenario, parts: Parts) -> ShareRow:
    """What leaves home on routes, and what sales abroad take at home."""
    demands = parts.demands
    home = {name for name, place in zip(demands.names, demands.place, strict=True) if place == scenario.home}
    return ShareRow(
        ship=dict.fromkeys(_bands(commodity, parts.trade, scenario, into=False), 1.0),
        use={
            key: option.takes_t_per_t
            for key, option in demands.options.items()
            if key[0] in home
            and demands.demands[key[0]].tier == "export"
            and option.market is not None
            and option.market[0] == commodity
        },
    )


def _bands(commodity: str, trade: Trade, scenario: Scenario, *, into: bool) -> Iterable[BandKey]:
    for key in trade.bands:
        route = scenario.routes[key[0]]
        if route.commodity == commodity and (route.destination if into else route.origin) == scenario.home:
            yield key
