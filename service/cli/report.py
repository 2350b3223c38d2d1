"""A plan as a person reads it on a terminal, in a pipe or in a log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING, Any, get_args

from lodeplan.optimizer.figures.rows import base_path_years, told_limits
from lodeplan.optimizer.words.limits import limit_words
from lodeplan.optimizer.words.numbers import amount, listed, measured, money, percent, span_of_years
from lodeplan.optimizer.words.states import status
from lodeplan.optimizer.words.titles import TERM_TITLES, TIER_TITLES, title_of
from lodeplan.schemas import Solution, Summary
from lodeplan.schemas.kinds import SourceKind
from lodeplan.schemas.plan import Size, StockLevel
from lodeplan.schemas.scenario import Stage
from lodeplan.service.cli.printing import new_console, say, section

if TYPE_CHECKING:
    from pandas import DataFrame
    from rich.console import Console

    from lodeplan.optimizer import Plan

_SOURCES_A_COMMODITY = 3
_YEARS_SHOWN = 6
"""Up to so many years are all shown; of more the first, middle and last."""
_LIMITS_A_KIND = 3
_BRANCHES = 3
_SHORT_A_TIER = 4
_LIMITS_TOLD = 12
_GROUPS_SHOWN = 8
_AIMS = {
    "cost": "expected cost and CVaR, weighted",
    "worst_future": "cost of the costliest future",
    "maximum_regret": "largest regret",
    "expected_shortage": "expected worth of shortages",
}
"""What is minimised, in words."""
SOURCE_NOTES = {
    SourceKind.IMPORT: "",
    SourceKind.HOME: " (home)",
    SourceKind.RECYCLED: " (recycled)",
    SourceKind.STOCK: " (from stock)",
}
"""What is said of a place beside its name, so that no two sources of a commodity read the same."""
_STAGES = get_args(Stage)
"""From ore to product."""


def print_plan(plan: Plan, console: Console | None = None) -> None:
    """Print the report of a plan on standard output."""
    console = console or new_console()
    summary = plan.summary
    say(console, [f"{getattr(plan.scenario, 'title', '')} ({summary.scenario})".strip()])
    say(console, [status(summary)])
    if summary.solution is Solution.NONE:
        say(console, summary.conflict)
        return
    say(console, summary.findings)
    if not summary.nothing_found:
        _print_decisions(plan, console)
    _print_buying(plan, console)
    _print_stocks(summary, console)
    _print_money(plan, console)
    _print_shortage(plan, console)
    _print_gaps(summary, console)
    _print_limits(plan.tables.get("limits"), console)
    _print_binding(plan.tables.get("marginal_values"), console)
    _print_record(summary, console)


def print_comparison(first: Plan, second: Plan, sentences: Sequence[str], console: Console | None = None) -> None:
    """Print the difference of two plans: in sentences, then by cost term. Without sentences: why there are none."""
    console = console or new_console()
    for plan, word in ((first, "first"), (second, "second")):
        if plan.summary.solution is Solution.NONE:
            say(console, [f"The {word} scenario has no plan. {status(plan.summary)}", *plan.summary.conflict])
    say(console, sentences)
    if not sentences:
        return
    old, new = first.summary.cost_terms_kusd, second.summary.cost_terms_kusd
    rows = [
        [TERM_TITLES.get(term, term), *(money(terms.get(term, 0.0)) for terms in (old, new))]
        for term in dict.fromkeys([*old, *new])
    ]
    rows.append(["All that counts", *(money(plan.summary.expected_cost_kusd or 0.0) for plan in (first, second))])
    section(console, "Expected cost, discounted", ["term", ">first", ">second"], rows)


def _print_decisions(plan: Plan, console: Console) -> None:
    starts = [
        [_title(plan, "projects", start.name), start.track, str(start.start), f"{start.on_line:g}"]
        for start in plan.summary.projects
    ]
    section(console, "Start", ["project", "track", ">start", ">on line"], starts, "Start no project.")
    suppliers = [
        [_title(plan, "routes", choice.name), str(choice.start), f"{choice.on_line:g}"]
        for choice in plan.summary.onboardings
    ]
    if any(route.onboarding for route in getattr(plan.scenario, "routes", {}).values()):
        section(console, "Onboard", ["supplier", ">decide", ">first use"], suppliers, "Onboard no supplier.")


def _title(plan: Plan, collection: str, name: str) -> str:
    """What a planner calls an entry of the scenario; its name where there is nothing else."""
    return title_of(getattr(plan.scenario, collection, {}), name)


def _print_buying(plan: Plan, console: Console) -> None:
    """Top sources of each commodity, t/y: in all years, or where they are many in the first, middle and last."""
    if "supply" not in plan.tables or plan.tables["supply"].empty:
        return
    supply = plan.tables["supply"]
    all_years = sorted(int(year) for year in supply["year"].unique())
    years = all_years if len(all_years) <= _YEARS_SHOWN else _three(all_years)
    flows: dict[tuple[str, int, str], dict[tuple[str, str], dict[int, float]]] = {}
    for row in supply.to_dict("records"):
        # Sorts by mineral, then from ore to product.
        key = str(row["mineral_group"]), _STAGES.index(row["stage"]), str(row["commodity"])
        source = str(row["source_kind"]), str(row["place"])
        by_year = flows.setdefault(key, {}).setdefault(source, {})
        by_year[int(row["year"])] = by_year.get(int(row["year"]), 0.0) + float(row["base_t_per_y"])
    rows = [row for key in sorted(flows) for row in _sources(key[-1], flows[key], years, plan)]
    last = dict(zip(supply["year"].astype(int), (supply["year"] + supply["years"] - 1).astype(int), strict=True))
    columns = ["commodity", "source", *(f">{span_of_years(year, last[year])}" for year in years)]
    beyond = set(years) - base_path_years(plan.tables)
    but = f"; from {min(beyond)} on the mean over the futures left" if beyond else ""
    left = f"; {len(years)} of {len(all_years)} periods are shown" if len(years) < len(all_years) else ""
    section(console, f"Buy, make and take from stock, t a year on the planned path{but}{left}", columns, rows)


def _sources(
    commodity: str, flows: Mapping[tuple[str, str], Mapping[int, float]], years: Sequence[int], plan: Plan
) -> list[list[str]]:
    """The rows of one commodity: its largest sources over all years, and the rest as one."""
    ranked = sorted(flows, key=lambda source: -sum(flows[source].values()))
    lines = [(_source(source, plan), [flows[source].get(year, 0.0) for year in years]) for source in ranked]
    shown, rest = lines[:_SOURCES_A_COMMODITY], lines[_SOURCES_A_COMMODITY:]
    if len(rest) == 1:
        shown += rest
    elif rest:
        shown.append((f"{len(rest)} more", [sum(column) for column in zip(*(cells for _, cells in rest), strict=True)]))
    return [
        [commodity if index == 0 else "", name, *(amount(cell) for cell in cells)]
        for index, (name, cells) in enumerate(shown)
        if any(cells)
    ]


def _source(source: tuple[str, str], plan: Plan) -> str:
    kind, place = source
    return _title(plan, "places", place) + SOURCE_NOTES[SourceKind(kind)]


def _print_stocks(summary: Summary, console: Console) -> None:
    """The peak and the last level of each stockpile on the planned path."""
    held: dict[str, list[StockLevel]] = {}
    for level in summary.stocks:
        held.setdefault(level.name, []).append(level)
    rows = []
    for name, levels in held.items():
        peak = max(levels, key=lambda level: level.stock_t)
        last = max(levels, key=lambda level: level.period)
        if peak.stock_t > 0:
            rows.append([name, amount(peak.stock_t), str(peak.period), amount(last.stock_t)])
    columns = ["stockpile", ">most, t", ">at the end of", ">left at the end, t"]
    section(console, "Store, on the planned path", columns, rows)


def _print_money(plan: Plan, console: Console) -> None:
    summary = plan.summary
    aim = plan.scenario.risk.objective if plan.scenario else "cost"
    terms = sorted(summary.cost_terms_kusd.items(), key=lambda item: -abs(item[1]))
    total = sum(kusd for _, kusd in terms)
    rows = [[TERM_TITLES.get(term, term), money(kusd), _part(kusd, total)] for term, kusd in terms if kusd]
    section(console, "Cost by term, expected and discounted", ["term", ">amount", ">of the whole"], rows)
    named = {
        "expected cost": summary.expected_cost_kusd,
        "mean of the worst futures (CVaR)": summary.cvar_kusd,
        "money spent": summary.spend_kusd,
        "duty within it": summary.duty_kusd,
        f"objective ({_AIMS[aim]})": summary.objective_kusd,
        "the same for doing nothing": summary.do_nothing_kusd,
    }
    section(
        console,
        "Whole",
        ["", ">amount"],
        [[name, money(kusd)] for name, kusd in named.items() if kusd is not None],
    )


def _part(kusd: float, total: float) -> str:
    return percent(kusd / total) if total > 0 else ""


def _print_shortage(plan: Plan, console: Console) -> None:
    """Each tier, and within it the commodities whose shortage weighs most."""
    short: dict[str, dict[str, tuple[float, float]]] = {}
    shortages = plan.tables.get("shortages")
    for row in [] if shortages is None else shortages.to_dict("records"):
        of_tier = short.setdefault(str(row["tier"]), {})
        penalty, tonnes = of_tier.get(str(row["commodity"]), (0.0, 0.0))
        of_tier[str(row["commodity"])] = penalty + row["expected_penalty_kusd"], tonnes + row["expected_t"]
    rows = []
    for tier, tonnes in plan.summary.shortage_t.items():
        if tonnes > 0:
            rows.append([TIER_TITLES.get(tier, tier), "", amount(tonnes)])
            worst = sorted(short.get(tier, {}).items(), key=lambda item: -item[1][0])[:_SHORT_A_TIER]
            rows += [["", commodity, amount(quantity)] for commodity, (_, quantity) in worst]
    columns = ["tier", "worst in it", ">t"]
    section(console, "Short, expected over the horizon", columns, rows, "Nothing is short.")


def _print_gaps(summary: Summary, console: Console) -> None:
    rows = []
    if summary.gap is not None:
        rows.append(["of the objective", percent(summary.gap)])
    if summary.gap_of_worth is not None:
        rows.append(["of what the plan saves against doing nothing", percent(summary.gap_of_worth)])
    groups = sorted(summary.gap_by_group.items(), key=lambda item: -item[1])
    rows += [[group.replace("_", " "), percent(gap)] for group, gap in groups[:_GROUPS_SHOWN]]
    if len(groups) > _GROUPS_SHOWN:
        rows.append(["every other group", f"at most {percent(groups[_GROUPS_SHOWN][1])}"])
    section(console, "Gap: a better plan could save at most", ["part", ">share"], rows)


def _print_limits(limits: DataFrame | None, console: Console) -> None:
    """Limits missed, the costliest first, and those that hold only as something goes short."""
    if limits is None or limits.empty:
        return
    told = told_limits(limits)
    rows = [
        [
            f"{row['limit']} {row['item']}".rstrip(),
            str(row["node"]),
            f"{row['sense']} {measured(row['asked'], row['unit'])}",
            measured(row["reached"], row["unit"]),
            f"{amount(row['missed'])} {row['missed_unit']}" if row["missed"] else "",
            money(row["missed_kusd"]) if row["missed"] else "",
            f"{amount(row['short_t'])} t" if row["short_t"] else "",
        ]
        for row in told.head(_LIMITS_TOLD).to_dict("records")
    ]
    columns = ["limit", "at", "asked", ">reached", ">missed by", ">at a cost of", ">kept as short"]
    section(console, "Limits missed, or kept only by going short", columns, rows)
    if len(told) > _LIMITS_TOLD:
        say(console, [f"{len(told) - _LIMITS_TOLD} more are in the table `limits`."])


def _print_binding(values: DataFrame | None, console: Console) -> None:
    """For each kind of limit those with the largest worth, each at the node where it is worth most."""
    if values is None or values.empty:
        return
    words = limit_words()
    limits = values[values["what"].isin(words)]
    worth = limits.assign(size=limits["value"].abs()).sort_values("size", ascending=False, kind="stable")
    shown = worth.drop_duplicates(["what", "name"]).groupby("what", sort=False).head(_LIMITS_A_KIND)
    rows = [
        [
            words[str(row["what"])],
            str(row["name"]),
            str(row["node"]),
            amount(_worth(row)),
            # At a node that is reached, a t/y for its years is worth its tonnes.
            str(row["unit"]).replace("kUSD per t/y", "kUSD/t"),
        ]
        for row in shown.sort_values(["what", "size"], ascending=[True, False]).to_dict("records")
    ]
    columns = ["limit", "name", "at", ">worth", "unit"]
    section(console, "Limits that bind, and what one more unit would save (starts as they are)", columns, rows)


def _worth(row: Mapping[Any, Any]) -> float:
    """In money of the node; where it has none, or none in a test that the plan has to stand, in the objective."""
    at_node = row["at_node"]
    told = at_node is not None and not isnan(at_node) and at_node != 0
    return abs(float(at_node if told else row["value"]))


def _print_record(summary: Summary, console: Console) -> None:
    if summary.check is not None:
        difference = max(summary.check.max_violation, summary.check.cost_difference_rel)
        say(console, [f"The independent check agrees (largest relative difference {difference:.1g})."])
        branches = summary.check.branches
        more = [f"And {len(branches) - _BRANCHES} branches more."] if len(branches) > _BRANCHES else []
        say(console, [*branches[:_BRANCHES], *more])
    say(console, [" ".join(filter(None, (_took(summary.timings_s), _size(summary.size))))])


def _took(timings_s: Mapping[str, float]) -> str:
    """How long the solve took, and its longer phases."""
    if "total" not in timings_s:
        return ""
    phases = [f"{phase} {seconds:.1f}" for phase, seconds in timings_s.items() if seconds >= 0.05 and phase != "total"]
    return f"It took {timings_s['total']:.1f} s" + (f" ({', '.join(phases)})." if phases else ".")


def _size(size: Size | None) -> str:
    if size is None:
        return ""
    counts = {"row": size.rows, "column": size.columns, "yes/no decision": size.binaries, "node": size.nodes}
    return f"The model has {listed([f'{count:,} {what}' + 's' * (count != 1) for what, count in counts.items()])}."


def _three(years: Sequence[int]) -> list[int]:
    """The first, middle and last of the years."""
    return sorted({years[0], years[(len(years) - 1) // 2], years[-1]}) if years else []
