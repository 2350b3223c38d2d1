"""A plan as a person reads it on a terminal, in a pipe or in a log."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

from schemas import Solution, Summary, Termination
from service.cli.amounts import mass, money, percent

if TYPE_CHECKING:
    from pandas import DataFrame

    from optimizer import Plan
    from schemas.scenario import Commodity

_PIPED_WIDTH = 80
_SOURCES_A_COMMODITY = 3
_LIMITS_SHOWN = 12
_GROUPS_SHOWN = 8
_TRUSTED_TO = 1e-6
_STAGES = ("ore", "concentrate", "refined", "semi_finished", "product", "scrap")

_STOPPED = {
    Termination.OPTIMAL: "Optimal within the gap asked for",
    Termination.TIME_LIMIT: "Stopped at the time limit",
    Termination.INTERRUPTED: "Stopped on request",
    Termination.MEMORY_LIMIT: "Stopped at the memory limit",
    Termination.INFEASIBLE: "Infeasible: no plan meets all the limits",
    Termination.UNBOUNDED: "Unbounded: some plan costs less than any amount; a price or value must be wrong",
    Termination.ERROR: "The solver failed",
}


def print_plan(plan: Plan, console: Console | None = None) -> None:
    """Print the report of a plan on standard output."""
    console = console or _console()
    summary = plan.summary
    _say(console, [f"{plan.scenario.title or summary.scenario} ({summary.scenario})"])
    _say(console, [_status(summary)])
    if summary.solution is Solution.NONE:
        _say(console, summary.conflict)
        return
    _say(console, summary.findings)
    _print_decisions(plan, console)
    _print_buying(plan, console)
    _print_stocks(summary, console)
    _print_money(summary, console)
    _print_shortage(plan, console)
    _print_gaps(summary, console)
    _print_binding(plan.tables.get("marginal_values"), console)
    _print_trust(summary, console)


def _console() -> Console:
    console = Console(highlight=False, emoji=False, markup=False)
    return console if console.is_terminal else Console(highlight=False, emoji=False, markup=False, width=_PIPED_WIDTH)


def _status(summary: Summary) -> str:
    text = _STOPPED[summary.termination]
    if summary.solution is Solution.NONE and summary.termination is not Termination.INFEASIBLE:
        return f"{text}, without a plan."
    return (
        f"{text}; the plan below is the best one found."
        if summary.termination is not Termination.OPTIMAL
        else text + "."
    )


def _print_decisions(plan: Plan, console: Console) -> None:
    projects = plan.scenario.projects
    starts = [
        [projects[start.name].title or start.name, start.track, str(start.start), f"{start.on_line:g}"]
        for start in plan.summary.projects
    ]
    _section(console, "Start", ["project", "track", "start", ">on line"], starts, "Start no project.")
    routes = plan.scenario.routes
    suppliers = [
        [routes[item.name].title or item.name, str(item.start), f"{item.on_line:g}"]
        for item in plan.summary.onboardings
    ]
    if any(route.onboarding for route in routes.values()):
        _section(console, "Onboard", ["supplier", ">decide", ">first use"], suppliers, "Onboard no new supplier.")


def _print_buying(plan: Plan, console: Console) -> None:
    """Top sources of each commodity in the first, middle and last year of the base path, t/y."""
    supply = plan.tables.get("supply")
    if supply is None or supply.empty:
        return
    flows: dict[str, dict[tuple[str, str], dict[int, float]]] = {}
    for row in supply.to_dict("records"):
        if row["source_kind"] != "stock":
            source = str(row["source_kind"]), str(row["place"])
            by_year = flows.setdefault(str(row["commodity"]), {}).setdefault(source, {})
            by_year[int(row["year"])] = by_year.get(int(row["year"]), 0.0) + float(row["base_t_per_y"])
    years = _three(sorted(int(year) for year in supply["year"].unique()))
    rows: list[list[str]] = []
    for commodity in sorted(flows, key=lambda name: _along_the_chain(plan.scenario.commodities[name], name)):
        rows += _sources(commodity, flows[commodity], years, plan)
    columns = ["commodity", "source", *(f">{year}" for year in years)]
    _section(console, "Buy and make, t a year if nothing happens", columns, rows)


def _along_the_chain(commodity: Commodity, name: str) -> tuple[str, int, str]:
    """A key that sorts by mineral, then from ore to product."""
    return commodity.mineral_group, _STAGES.index(commodity.stage), name


def _sources(
    commodity: str, flows: Mapping[tuple[str, str], Mapping[int, float]], years: Sequence[int], plan: Plan
) -> list[list[str]]:
    """The rows of one commodity: its largest sources over all years, and the rest as one."""
    ranked = sorted(flows, key=lambda source: -sum(flows[source].values()))
    lines = [(_source(source, plan), [flows[source].get(year, 0.0) for year in years]) for source in ranked]
    shown, rest = lines[:_SOURCES_A_COMMODITY], lines[_SOURCES_A_COMMODITY:]
    if rest:
        shown.append((f"{len(rest)} more", [sum(column) for column in zip(*(cells for _, cells in rest), strict=True)]))
    return [
        [commodity if index == 0 else "", name, *(mass(cell) for cell in cells)]
        for index, (name, cells) in enumerate(shown)
        if any(cells)
    ]


def _source(key: tuple[str, str], plan: Plan) -> str:
    kind, place = key
    name = plan.scenario.places[place].title or place if place in plan.scenario.places else place
    return f"{name} (home)" if kind == "home" else name


def _print_stocks(summary: Summary, console: Console) -> None:
    periods = _three(sorted({stock.period for stock in summary.stocks}))
    levels = {(stock.name, stock.period): stock.stock_t for stock in summary.stocks}
    rows = [[name, *(mass(levels.get((name, period), 0.0)) for period in periods)] for name in dict(levels.keys())]
    if rows:
        _section(
            console, "Store, t at the end of the period", ["stockpile", *(f">{period}" for period in periods)], rows
        )


def _print_money(summary: Summary, console: Console) -> None:
    terms = sorted(summary.cost_terms_kusd.items(), key=lambda item: -abs(item[1]))
    total = sum(amount for _, amount in terms)
    rows = [[term.replace("_", " "), money(amount), _part(amount, total)] for term, amount in terms if amount]
    _section(console, "Cost by term, expected and discounted", ["term", ">amount", ">of the whole"], rows)
    named = {
        "expected cost": summary.expected_cost_kusd,
        "mean of the worst futures (CVaR)": summary.cvar_kusd,
        "money spent": summary.spend_kusd,
        "duty within it": summary.duty_kusd,
        "cost of doing nothing": summary.do_nothing_kusd,
    }
    _section(
        console,
        "Whole",
        ["", ">amount"],
        [[name, money(amount)] for name, amount in named.items() if amount is not None],
    )


def _part(amount: float, total: float) -> str:
    return percent(amount / total) if total > 0 else ""


def _print_shortage(plan: Plan, console: Console) -> None:
    rows = [
        [tier.replace("_", " "), f"{mass(tonnes)} t"] for tier, tonnes in plan.summary.shortage_t.items() if tonnes > 0
    ]
    _section(console, "Short, expected over the horizon", ["tier", ">quantity"], rows, "Nothing is short.")


def _print_gaps(summary: Summary, console: Console) -> None:
    rows = []
    if summary.gap is not None:
        rows.append(["of the objective", percent(summary.gap)])
    if summary.gap_of_worth is not None:
        rows.append(["of what the plan saves against doing nothing", percent(summary.gap_of_worth)])
    groups = sorted(summary.gap_by_group.items(), key=lambda item: -item[1])
    rows += [[group, percent(gap)] for group, gap in groups[:_GROUPS_SHOWN]]
    if len(groups) > _GROUPS_SHOWN:
        rows.append([f"{len(groups) - _GROUPS_SHOWN} more groups, each at most", percent(groups[_GROUPS_SHOWN][1])])
    _section(console, "Gap: a better plan could save at most", ["part", ">share"], rows)


def _print_binding(values: DataFrame | None, console: Console) -> None:
    """Limits with the largest worth, each at the node where it is worth most."""
    if values is None or values.empty:
        return
    worth = values.assign(size=values["value"].abs()).sort_values("size", ascending=False, kind="stable")
    worth = worth[worth["size"] > 0].drop_duplicates(["what", "name"])
    rows = [
        [
            str(row["what"]).replace("_", " "),
            str(row["name"]),
            str(row["node"]),
            f"{row['value']:,.4g}",
            str(row["unit"]),
        ]
        for row in worth.head(_LIMITS_SHOWN).to_dict("records")
    ]
    columns = ["limit", "name", "at", ">worth", "unit"]
    _section(console, "Limits that bind, and what one more unit is worth (decisions kept)", columns, rows)


def _print_trust(summary: Summary, console: Console) -> None:
    if summary.check is not None:
        worst = max(summary.check.max_violation, summary.check.cost_difference_rel)
        if worst <= _TRUSTED_TO:
            _say(console, [f"The independent check agrees with the plan (largest difference {worst:.1g})."])
        else:
            _say(
                console,
                [f"DO NOT TRUST THIS PLAN: the independent check differs by {worst:.2g}.", *summary.check.worst],
            )
    parts = [f"{phase} {seconds:.1f} s" for phase, seconds in summary.timings_s.items() if seconds >= 0.05]
    if summary.size is not None:
        size = summary.size
        parts.append(
            f"{size.rows:,} rows, {size.columns:,} columns, {size.binaries:,} yes/no decisions, {size.nodes:,} nodes"
        )
    _say(console, [", ".join(parts) + "."] if parts else [])


def _say(console: Console, sentences: Iterable[str]) -> None:
    """Each sentence as a paragraph, then an empty line."""
    lines = [line for sentence in sentences for line in textwrap.wrap(sentence, min(console.width, 100))]
    if lines:
        console.print("\n".join(lines))
        console.print()


def _section(
    console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], if_empty: str = ""
) -> None:
    """A table under a title; a column whose name starts with `>` is aligned to the right."""
    if not rows:
        _say(console, [if_empty] if if_empty else [])
        return
    console.print(title, style="bold")
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, show_header=any(columns[0:1]))
    for column in columns:
        table.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print()


def _three(years: Sequence[int]) -> list[int]:
    """The first, middle and last of the years."""
    return sorted({years[0], years[len(years) // 2], years[-1]}) if years else []
