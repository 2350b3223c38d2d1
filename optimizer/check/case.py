"""Everything recomputed from a scenario and a plan before rows and costs are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import inf

from lodeplan.optimizer.check.availability import Conditions, Events, makers
from lodeplan.optimizer.check.content import CLEAN, Content, Variant
from lodeplan.optimizer.check.duty import Duties, Duty
from lodeplan.optimizer.check.ledger import Unit
from lodeplan.optimizer.check.options import Option, options_of
from lodeplan.optimizer.check.periods import Period, mean
from lodeplan.optimizer.check.plan import Plan
from lodeplan.optimizer.check.projects import Projects
from lodeplan.optimizer.check.selections import place_share
from lodeplan.optimizer.check.sources import Sources
from lodeplan.optimizer.check.steps import Step, cost_steps, home_capacity_t_per_y
from lodeplan.optimizer.check.tree import Node, Tree, build_tree
from lodeplan.schemas import Scenario
from lodeplan.schemas.limits import ShareCap, Survival
from lodeplan.schemas.scenario import Facility, PriceFloor


class World:
    """The scenario read by the conventions, before any plan."""

    def __init__(self, scenario: Scenario) -> None:
        _refuse_what_is_not_written_out(scenario)
        self.scenario = scenario
        self.tree: Tree = build_tree(scenario)
        self.makers: dict[str, Facility] = makers(scenario)
        self.content = Content(scenario)
        self.duties = Duties(scenario, self.content)
        events = Events(scenario)
        self._conditions = {name: events.conditions(node) for name, node in self.tree.nodes.items()}
        self._steps: dict[tuple[str, int], list[Step]] = {}

    def conditions(self, node: Node) -> Conditions:
        """Factors of the events in force at the node."""
        return self._conditions[node.name]

    def steps(self, maker: str, period: Period) -> list[Step]:
        """Cost steps of a facility or project in a period, without events."""
        key = (maker, period.index)
        if key not in self._steps:
            self._steps[key] = cost_steps(self.makers[maker], period, self.tree.periods)
        return self._steps[key]

    def step(self, maker: str, number: str, node: Node) -> Step:
        """A cost step at the node: its width times availability, its cost times the price factor."""
        step, conditions = self.steps(maker, node.period)[int(number)], self.conditions(node)
        availability = conditions.facility_availability.get(maker, 1.0)
        return Step(
            width_t_per_y=times(step.width_t_per_y, availability),
            cost_kusd_per_t=step.cost_kusd_per_t * conditions.price_factor.get(maker, 1.0),
        )

    def duty(self, route: str, node: Node, variant: Variant = CLEAN) -> Duty:
        """Duty of a variant on a route at the node, by band."""
        return self.duties.duty(route, variant, node, self.conditions(node))

    def demand_t_per_y(self, demand: str, node: Node) -> float:
        """Quantity wanted at the node."""
        quantity = mean(self.scenario.demands[demand].quantity_t_per_y, node.period)
        return quantity * self.conditions(node).demand_factor.get(demand, 1.0)

    def penalty_steps(self, demand: str) -> list[tuple[float, float]]:
        """Shortage steps in rising order: share of the demand, penalty in kUSD/t."""
        penalty = self.scenario.demands[demand].shortage_penalty_kusd_per_t
        if not isinstance(penalty, Mapping):
            return [(1.0, penalty)]
        shares = sorted(penalty)
        return [(share - below, penalty[share]) for below, share in zip([0.0, *shares], shares, strict=False)]

    @cached_property
    def sources(self) -> Sources:
        """Sources: the commodities that can exist at each place."""
        return Sources(self.scenario, self.content)

    @cached_property
    def offers(self) -> Mapping[tuple[str, str], list[str]]:
        """Facilities (not projects) by place and commodity they make."""
        found: dict[tuple[str, str], list[str]] = {}
        for name, facility in self.scenario.facilities.items():
            for commodity in facility.outputs:
                found.setdefault((facility.place, commodity), []).append(name)
        return found

    def offers_of(self, route: str) -> list[str]:
        """The facilities that feed a route."""
        entry = self.scenario.routes[route]
        return self.offers.get((entry.origin, entry.commodity), [])

    @cached_property
    def routes_home(self) -> Mapping[str, list[str]]:
        """Routes into home by commodity."""
        found: dict[str, list[str]] = {}
        for name, route in self.scenario.routes.items():
            if route.destination == self.scenario.home:
                found.setdefault(route.commodity, []).append(name)
        return found

    @cached_property
    def makers_at_home(self) -> Mapping[str, list[str]]:
        """Facilities and projects at home by commodity they make."""
        found: dict[str, list[str]] = {}
        for name, maker in self.makers.items():
            for commodity in maker.outputs if maker.place == self.scenario.home else ():
                found.setdefault(commodity, []).append(name)
        return found

    @cached_property
    def capped_routes(self) -> Mapping[str, Mapping[str, float]]:
        """Of each share cap: the routes into home of its commodity, with the part of their origin it counts."""
        return {
            name: {
                route: place_share(limit.places, self.scenario.routes[route].origin, self.scenario.places)
                for route in self.routes_home.get(limit.commodity, ())
            }
            for name, limit in self.scenario.limits.items()
            if isinstance(limit, ShareCap)
        }

    @cached_property
    def bands(self) -> Mapping[str, Mapping[str, tuple[str, Variant]]]:
        """Of each route: the duty band and the variant that the bands of the table `ship` mean."""
        found = {}
        for name, route in self.scenario.routes.items():
            bands = ("all", "in_quota", "over_quota") if self.duties.has_quota(name) else ("all",)
            found[name] = {
                f"{band}/{written}" if written else band: (band, variant)
                for band in bands
                for written, variant in self.content.variants[route.commodity].items()
            }
        return found

    @cached_property
    def options(self) -> Mapping[str, Mapping[str, Option]]:
        """Of each demand: what the options of the table `serve` mean."""
        return {name: options_of(self.scenario, self.content, name) for name in self.scenario.demands}


@dataclass(frozen=True)
class Case:
    """A scenario and a plan for it."""

    world: World
    plan: Plan
    projects: Projects

    @property
    def scenario(self) -> Scenario:
        """The scenario."""
        return self.world.scenario

    @property
    def tree(self) -> Tree:
        """The tree of the scenario."""
        return self.world.tree

    def shipped_t_per_y(self, node: Node) -> Mapping[str, float]:
        """Flow of each route at the node over its bands."""
        return self.plan.totals("ship", node.name)

    def run_t_per_y(self, node: Node) -> Mapping[str, float]:
        """Activity of each facility and project at the node over its steps."""
        return self.plan.totals("run", node.name)

    def short_t_per_y(self, node: Node) -> Mapping[str, float]:
        """Shortage of each demand at the node over its steps."""
        return self.plan.totals("shortage", node.name)

    @cached_property
    def units(self) -> Mapping[str, Unit]:
        """Of each commodity, t/y: a thousandth of home's demand in the first period, or of what else is there."""
        first = self.tree.periods[0]
        wanted: dict[str, float] = {}
        for demand in self.scenario.demands.values():
            if (demand.place or self.scenario.home) == self.scenario.home:
                quantity = mean(demand.quantity_t_per_y, first)
                wanted[demand.commodity] = wanted.get(demand.commodity, 0.0) + quantity
        present = self._present(first)
        sizes = {name: (wanted.get(name, 0.0) or present.get(name, 0.0)) / 1000 for name in self.scenario.commodities}
        return {name: Unit(size or 1.0, "t/y") for name, size in sizes.items()}

    def _present(self, first: Period) -> dict[str, float]:
        """The largest capacity or flow of each commodity, t/y."""
        largest: dict[str, float] = {}
        sizes = [
            (commodity, per_t * home_capacity_t_per_y(maker, first))
            for maker in self.world.makers.values()
            for commodity, per_t in (*maker.outputs.items(), *maker.inputs.items())
        ]
        for node in self.tree.nodes.values():
            sizes += [(self.scenario.routes[name].commodity, flow) for name, flow in self.shipped_t_per_y(node).items()]
            for name, run in self.run_t_per_y(node).items():
                maker = self.world.makers[name]
                sizes += [(key, per_t * run) for key, per_t in (*maker.outputs.items(), *maker.inputs.items())]
        for commodity, size in sizes:
            if size < inf:
                largest[commodity] = max(largest.get(commodity, 0.0), size)
        return largest

    def by_mode_t_per_y(self, node: Node) -> Mapping[tuple[str, str], float]:
        """Activity of each facility and project at the node by mode; without a choice of modes, of its only one."""
        modes = self.world.content.modes
        chosen = {(name, mode): run for (name, mode), (run, *_) in self.plan.rows("activity", node.name).items()}
        runs = self.run_t_per_y(node).items()
        return chosen | {(name, mode): run for name, run in runs if len(modes[name]) == 1 for mode in modes[name]}

    def served_t_per_y(self, demand: str, node: Node) -> list[tuple[Option, float]]:
        """Demand met at the node, by option."""
        options = self.world.options[demand]
        return [(options[option], met) for option, met in self.plan.parts("serve", node.name).get(demand, ())]

    def stock_unit(self, stockpile: str) -> Unit:
        """The unit of what is stored, t."""
        return Unit(self.units[self.scenario.stockpiles[stockpile].commodity].size, "t")


def _refuse_what_is_not_written_out(scenario: Scenario) -> None:
    """Sampled futures and survival limits stand for others, which a solve writes out before it makes a plan."""
    left = [name for name, limit in scenario.limits.items() if isinstance(limit, Survival)]
    if left:
        raise ValueError(f"limit {left[0]} is of kind survival and has not been written out as stress futures")
    if scenario.sampling is not None:
        raise ValueError("the scenario still has `sampling`: the futures it draws have not been written out")


def times(width: float, availability: float) -> float:
    """A width, perhaps without end, times availability; nothing is left at availability 0."""
    return width * availability if availability else 0.0


def support_kusd_per_t(floor: PriceFloor, period: Period) -> float:
    """Payment of the state per t under a price floor; negative: the amount it keeps."""
    short = floor.floor_kusd_per_t - mean(floor.reference_price_kusd_per_t, period)
    return short if short > 0 else floor.kept_above_share * short
