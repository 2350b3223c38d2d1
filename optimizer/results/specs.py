"""What each table of a result holds: columns, units, descriptions."""

from __future__ import annotations

from enum import StrEnum

from schemas.kinds import ProjectStatus, SourceKind, UseKind
from schemas.plan import Column, Table

_UNITS = {
    "net_import_reliance": "fraction",
    "_t_per_y": "t/y",
    "_kusd_per_t": "kUSD/t",
    "_kusd": "kUSD",
    "_t": "t",
    "_y": "years",
    "_share": "fraction",
}


def _table(name: str, title: str, /, *columns: str, **descriptions: str) -> Table:
    return Table(
        name=name,
        title=title,
        columns=[Column(name=c, unit=_unit(c), description=descriptions.get(c, "")) for c in columns],
    )


def _unit(column: str) -> str:
    return next((unit for ending, unit in _UNITS.items() if column.endswith(ending)), "")


def _one_of(kinds: type[StrEnum], /, **meanings: str) -> str:
    """The words that may stand in a column, each with what it means where it does not say so itself."""
    *others, last = (f"{kind} ({meanings[kind]})" if kind in meanings else kind.value for kind in kinds)
    return f"{', '.join(others)} or {last}"


SOLUTION = (
    _table(
        "nodes",
        "Scenario tree",
        "node",
        "parent",
        "period",
        "start_y",
        "length_y",
        "probability",
        "discount_factor",
        "future",
    ),
    _table("run", "Activity of facilities and projects", "facility", "step", "node", "run_t_per_y"),
    _table("activity", "Activity by mode, where material is traced", "facility", "mode", "node", "run_t_per_y"),
    _table("ship", "Flows on routes", "route", "band", "node", "ship_t_per_y"),
    _table(
        "declare",
        "Material declared as a variant with more tags",
        "commodity",
        "place",
        "variant",
        "declared",
        "node",
        "declared_t_per_y",
    ),
    _table("recover", "Scrap recovered", "recycling", "node", "recovered_t_per_y"),
    _table("store", "Stockpiles", "stockpile", "node", "buy_t_per_y", "release_t_per_y", "stock_t"),
    _table("dispose", "Surplus let go", "commodity", "place", "node", "dispose_t_per_y"),
    _table(
        "serve",
        "Demand met, by option",
        "demand",
        "option",
        "node",
        "served_t_per_y",
        option="itself, a substitute, or a step given up to the price; with the variant where material is traced",
        served_t_per_y="of the demand met",
    ),
    _table("shortage", "Demand not served, by penalty step", "demand", "step", "node", "shortage_t_per_y"),
    _table("starts", "Projects started", "project", "track", "node"),
    _table("onboardings", "Suppliers onboarded", "route", "node"),
    _table(
        "slack",
        "Soft limits exceeded",
        "limit",
        "item",
        "node",
        "slack",
        slack="t/y for shares and floors, kUSD for budgets, slots for permit slots",
    ),
    _table("node_costs", "Cost by node and term, as of the node's first day", "node", "term", "cost_kusd"),
    _table("futures", "Discounted cost by future", "future", "probability", "cost_kusd"),
    _table(
        "regrets",
        "Regret by future",
        "future",
        "best_kusd",
        "regret_kusd",
        best_kusd="least cost if the future were known to come",
        regret_kusd="what the plan costs above it",
    ),
)
REPORTS = (
    _table(
        "supply",
        "Where home's supply comes from",
        "commodity",
        "mineral_group",
        "stage",
        "source_kind",
        "place",
        "year",
        "base_t_per_y",
        "expected_t_per_y",
        source_kind=_one_of(SourceKind, home="gross output"),
        base_t_per_y="on the base path",
        expected_t_per_y="probability-weighted over all nodes of the year",
    ),
    _table(
        "uses",
        "What home's supply is for",
        "commodity",
        "mineral_group",
        "use_kind",
        "name",
        "year",
        "base_t_per_y",
        "expected_t_per_y",
        use_kind=_one_of(UseKind, substitute="for another commodity", reduced="need given up to the price"),
        name="tier, demand, plant, stockpile or destination",
    ),
    _table("cost_terms", "Expected discounted cost by term", "term", "expected_kusd", "do_nothing_kusd", "change_kusd"),
    _table(
        "duties",
        "Duty by route and measure",
        "route",
        "commodity",
        "place",
        "year",
        "measure",
        "duty_kusd_per_t",
        "duty_kusd",
        "expected_duty_kusd",
        duty_kusd_per_t="on the base path",
        duty_kusd="on the base path",
        expected_duty_kusd="probability-weighted, not discounted",
    ),
    _table(
        "projects",
        "Projects, with the price at which each breaks even",
        "project",
        "title",
        "status",
        "track",
        "node",
        "start",
        "on_line",
        "capacity_t_per_y",
        "capex_kusd",
        "utilisation_share",
        "break_even_kusd_per_t",
        status=_one_of(
            ProjectStatus,
            started="by the plan",
            committed="before it",
            **{ProjectStatus.NOT_STARTED: "then the track and price are those of the first start"},
        ),
        utilisation_share="of the capacity on line, on the base path",
        break_even_kusd_per_t="running cost and capital per t of activity, inputs not counted",
    ),
    _table(
        "shortages",
        "Shortage by tier",
        "commodity",
        "tier",
        "year",
        "base_t",
        "expected_t",
        "expected_penalty_kusd",
        expected_penalty_kusd="discounted",
    ),
    _table(
        "concentration",
        "Dependence by commodity, on the base path",
        "commodity",
        "year",
        "net_import_reliance",
        "largest_source",
        "largest_share",
        "concentration_index",
        concentration_index="sum of squared shares of sources, home's output counted as one",
    ),
    _table(
        "branches",
        "Branches that weigh nothing in the objective",
        "node",
        "cost_kusd",
        "bound_kusd",
        "gap",
        node="where the branch begins",
        cost_kusd="at its futures' own conditional probabilities (a test: 1), discounted",
        bound_kusd="what it costs at least with its yes/no decisions as they are; absent where it was not settled",
        gap="relative gap of its own yes/no decisions, where it has any; absent where it has none",
    ),
    _table(
        "marginal_values",
        "Marginal values with the decisions fixed",
        "what",
        "name",
        "node",
        "unit",
        "value",
        "at_node",
        what="constraint",
        value="expected and discounted, in the row's unit",
        at_node="the same in money of the node, if it is reached: not weighted, not discounted; per t for yearly flows",
    ),
)
SPECS: dict[str, Table] = {spec.name: spec for spec in (*SOLUTION, *REPORTS)}
