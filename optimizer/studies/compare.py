"""Comparison of two plans in sentences: decisions that differ, flows that move, and the reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from lodeplan.optimizer.decisions import Decision, decisions, scenario_of
from lodeplan.optimizer.expand import expand
from lodeplan.optimizer.plan import Plan
from lodeplan.optimizer.prepare import Instance, prepare
from lodeplan.optimizer.prepare.calendar import Calendar
from lodeplan.optimizer.report.comparison import cost_terms_of_both, moved_sources, totals_of_both
from lodeplan.optimizer.words.numbers import listed, money, tonnes
from lodeplan.schemas.comparison import Comparison
from lodeplan.schemas.kinds import SourceKind
from lodeplan.schemas.plan import Solution
from lodeplan.schemas.scenario import Horizon, Place, Scenario

STOCK_CHANGE_SHARE = 0.05
"""Change of a stock's highest level, as a share of the larger one, that counts as a change."""
FLOW_CHANGE_SHARE = 0.01
"""Change of a source's supply, as a share of the commodity's, that counts as a change."""
SAME_DUTY = 1e-9
"""kUSD/t within which two duties are the same."""

NOT_DECIDED = {"project": "not started", "supplier": "not onboarded", "stock": "not there"}
"""What is said of a decision, by its kind, that a plan does not have."""

Source = tuple[str, str, str]
"""(commodity, source kind, place)."""


@dataclass(frozen=True)
class Change:
    """A decision that is not the same in both plans; None where one plan has none."""

    key: str
    before: Decision | None
    after: Decision | None

    @property
    def known(self) -> Decision:
        """The decision of the second plan, or of the first."""
        decision = self.after or self.before
        assert decision is not None
        return decision


def compare(first: Plan, second: Plan) -> Comparison:
    """Compare two plans that hold their scenarios, as `solve` returns them. There are no sentences if one scenario has
    no plan. Raises TypeError for what is no plan, such as the name of a scenario.

    >>> import lodeplan
    >>> compare(*(lodeplan.solve("golden-toy", gap=0) for _ in range(2))).difference
    ['Both plans have the same decisions and purchases.', 'Both cost the same.']
    """
    for plan in (first, second):
        if not isinstance(plan, Plan):
            raise TypeError(f"Two plans are compared, as `lodeplan.solve` returns them; this is no plan: {plan!r:.100}")
    if any(plan.summary.solution is Solution.NONE for plan in (first, second)):
        return Comparison(difference=[], first=first.summary, second=second.summary, sections=[])
    years = _years_of_both(first, second)
    moved = [source for source, _ in _moved(first, second)]
    return Comparison(
        difference=explain_difference(first, second),
        first=first.summary,
        second=second.summary,
        sections=[
            totals_of_both(first, second),
            cost_terms_of_both(first, second),
            moved_sources(second, moved, (_supply(first, years), _supply(second, years))),
        ],
    )


def changes(before: Plan, after: Plan) -> Iterator[Change]:
    """Every decision that differs, projects first."""
    old, new = decisions(before), decisions(after)
    for key in sorted({*old, *new}, key=lambda k: (k.partition(" ")[0], k)):
        change = Change(key, old.get(key), new.get(key))
        was, now = change.before, change.after
        if was and now and change.known.kind == "stock":
            if abs(was.level - now.level) > STOCK_CHANGE_SHARE * max(was.level, now.level):
                yield change
        elif not (was and now) or was.detail != now.detail:
            yield change


def explain_difference(before: Plan, after: Plan) -> list[str]:
    """The difference of two plans of nearly the same scenario in sentences, the largest shift of supply first."""
    moved = list(_moved(before, after))
    sentences = [*_shifts(before, after, moved), *_decided(before, after)] or [
        "Both plans have the same decisions and purchases."
    ]
    about = [*_nothing_found(before, after), *_other_years(before, after)]
    return [*sentences, *about, _costs(before, after), *_doubt(before, after)]


def _supply(plan: Plan, years: range) -> dict[Source, float]:
    """Expected supply in these years by source, t."""
    lengths = {
        int(row["period"]): len(
            range(max(years.start, row["period"]), min(years.stop, row["period"] + row["length_y"]))
        )
        for row in plan.tables["nodes"].astype({"length_y": int}).to_dict("records")
    }
    total: dict[Source, float] = {}
    for row in plan.tables["supply"].to_dict("records"):
        key = (str(row["commodity"]), str(row["source_kind"]), str(row["place"]))
        total[key] = total.get(key, 0.0) + float(row["expected_t_per_y"]) * lengths[int(row["year"])]
    return total


def _moved(before: Plan, after: Plan) -> Iterator[tuple[Source, float]]:
    """Sources whose supply changes, with the change in t, the largest share of its commodity first."""
    years = _years_of_both(before, after)
    old, new = _supply(before, years), _supply(after, years)
    size: dict[str, float] = {}
    for table in (old, new):
        for (commodity, _, _), t in table.items():
            size[commodity] = size.get(commodity, 0.0) + t / 2
    change = {key: new.get(key, 0.0) - old.get(key, 0.0) for key in {**old, **new}}
    share = {key: abs(t) / size[key[0]] for key, t in change.items() if size[key[0]] > 0}
    for key in sorted(share, key=lambda key: (-share[key], key)):
        if share[key] > FLOW_CHANGE_SHARE:
            yield key, change[key]


def _shifts(before: Plan, after: Plan, moved: list[tuple[Source, float]]) -> Iterator[str]:
    """A sentence for each commodity whose sources change: from where to where, and what changed the price of it.

    A duty is given as the reason where the inputs it is worked out from differ, and the source moved away from the
    higher duty or towards the lower one.
    """
    scenarios, years = (scenario_of(before), scenario_of(after)), _years_of_both(before, after)
    duties = (PlannedDuties(scenarios[0], years), PlannedDuties(scenarios[1], years)) if years else None
    for commodity in dict.fromkeys(key[0] for key, _ in moved):
        mine = [(key, t) for key, t in moved if key[0] == commodity]
        places = {**scenarios[1].places, **scenarios[0].places}
        less = [f"{tonnes(-t)} less {_from(key, places)}" for key, t in mine if t < 0]
        more = [f"{tonnes(t)} more {_from(key, places)}" for key, t in mine if t > 0]
        known = {**scenarios[1].commodities, **scenarios[0].commodities}
        text = f"{known[commodity].title or commodity}: {listed([*less, *more])}"
        imports = {key[2]: t for key, t in mine if key[1] == "import"}
        reasons = list(duty_reasons(commodity, imports, duties)) if duties else []
        yield f"{text}, because {listed(reasons, 3)}." if reasons else f"{text}."


def _years_of_both(before: Plan, after: Plan) -> range:
    """The years that both plans are for."""
    spans = [Calendar.of(scenario_of(plan).horizon) for plan in (before, after)]
    return range(max(span.starts[0] for span in spans), min(span.end for span in spans))


def _nothing_found(before: Plan, after: Plan) -> Iterator[str]:
    """That what is compared is no plan, where a search found none."""
    for plan, word in ((before, "first"), (after, "second")):
        if plan.summary.nothing_found:
            yield f"No plan was found for the {word} scenario, so this comparison is not a recommendation."


def _other_years(before: Plan, after: Plan) -> Iterator[str]:
    """That only a part of what the plans buy is compared, if they are for other years."""
    years = _years_of_both(before, after)
    spans = [Calendar.of(scenario_of(plan).horizon) for plan in (before, after)]
    if {(span.starts[0], span.end) for span in spans} == {(years.start, years.stop)}:
        return
    if years:
        shared = f"supply is compared over the years {years.start} to {years.stop - 1} only"
        yield f"The plans cover different years: {shared}, cost over the whole of each plan."
    else:
        yield "The plans have no year in common: supply is not compared, and cost is that of the whole of each plan."


def _from(key: Source, places: Mapping[str, Place]) -> str:
    _, kind, place = key
    match SourceKind(kind):
        case SourceKind.IMPORT:
            return f"from {_called(place, places)}"
        case SourceKind.HOME:
            return "made at home"
        case SourceKind.RECYCLED:
            return "recycled"
        case SourceKind.STOCK:
            return "from stock"


def _called(place: str, places: Mapping[str, Place]) -> str:
    """Return the title of a place, or of a group of places."""
    return (places[place].title or place) if place in places else place


class PlannedDuties:
    """Duties on routes home in a plan's scenario if the years go as planned, in each of some years.

    Two scenarios are compared over the years that both plan for, one period a year: so neither their futures, nor
    where their horizons begin and end, nor how they are cut into periods make a difference, and what differs does so
    in what the duty is worked out from.
    """

    def __init__(self, scenario: Scenario, years: range) -> None:
        yearly = Horizon(first_year=years.start, period_years=[1] * len(years))
        quiet = {"horizon": yearly, "futures": {}}
        # No future is drawn, as none counts here: to draw them takes long, and SciPy.
        undrawn = scenario.model_copy(update={"sampling": None, "hazards": {}})
        self.instance: Instance = prepare(expand(undrawn).scenario.model_copy(update=quiet))

    def by_measure(self, commodity: str) -> dict[str, list[dict[str, float]]]:
        """By route: of each band, kUSD/t by measure, mean over the years."""
        trade, base = self.instance.trade, self.instance.tree.base_path
        found: dict[str, list[dict[str, float]]] = {}
        for row, band in enumerate(trade.bands.values()):
            route = trade.routes[band.route]
            if (route.commodity, route.destination) != (commodity, self.instance.scenario.home):
                continue
            duty: dict[str, float] = {}
            for node in base:
                for measure, amount in trade.duty_by_measure[row][node].items():
                    duty[measure] = duty.get(measure, 0.0) + amount / len(base)
            found.setdefault(band.route, []).append(duty)
        return found


def duty_reasons(
    commodity: str, imports: dict[str, float], duties: tuple[PlannedDuties, PlannedDuties]
) -> Iterator[str]:
    """Describe the changes of duty on each route of a commodity whose imports moved with them, and the measures behind
    them.

    `imports`: t more from each place.
    """
    old, new = (side.by_measure(commodity) for side in duties)
    for route in old:
        was, now = (sorted(sum(band.values()) for band in side.get(route, [])) for side in (old, new))
        if not now or np.allclose((was[0], was[-1]), (now[0], now[-1]), rtol=0.0, atol=SAME_DUTY):
            continue
        origin = duties[0].instance.trade.routes[route].origin
        dearer = now[0] + now[-1] - was[0] - was[-1]
        if imports.get(origin, 0.0) * dearer >= 0:
            continue
        measures = sorted({m for side in (old, new) for band in side[route] for m in band})
        changed = [m for m in measures if _of_measure(m, old[route]) != _of_measure(m, new[route])]
        words = listed([_meaning(m, duties[1].instance.scenario) for m in changed])
        place = _called(origin, duties[0].instance.scenario.places)
        yield f"the duty on it from {place} goes from {_span(was)} to {_span(now)} kUSD/t ({words})"


def _of_measure(measure: str, bands: list[dict[str, float]]) -> set[float]:
    return {round(band.get(measure, 0.0), 9) for band in bands}


def _span(duties: list[float]) -> str:
    """`0`, or `up to 7.5` where it hangs on the quota or on the content."""
    return f"{duties[0]:.4g}" if duties[-1] - duties[0] <= SAME_DUTY else f"up to {duties[-1]:.4g}"


def _meaning(measure: str, scenario: Scenario) -> str:
    """A measure, and for one by content what it looks at."""
    entry = scenario.tariffs.get(measure)
    if entry is None or entry.origin_role == "last_origin":
        return measure
    role = {"any_stage": "was at any stage in"}.get(entry.origin_role, f"was {entry.origin_role.replace('_', ' ')}")
    return f"{measure}, on what {role} {listed([_called(origin, scenario.places) for origin in entry.origins])}"


def _decided(before: Plan, after: Plan) -> Iterator[str]:
    for change in changes(before, after):
        kind = change.known.kind
        now, was = (side.detail if side else NOT_DECIDED[kind] for side in (change.after, change.before))
        yield f"{kind.capitalize()} {change.known.title}: {now}; in the first plan {was}."


def _costs(before: Plan, after: Plan) -> str:
    old, new = before.summary, after.summary
    cost = (new.expected_cost_kusd or 0.0) - (old.expected_cost_kusd or 0.0)
    duty = (new.duty_kusd or 0.0) - (old.duty_kusd or 0.0)
    parts = [
        f"{verb} {money(abs(change))} {'more' if change > 0 else 'less'}{what}"
        for verb, change, what in (("costs", cost, ""), ("pays", duty, " in duty"))
        if change
    ]
    return f"The second plan {listed(parts)} than the first." if parts else "Both cost the same."


def _doubt(before: Plan, after: Plan) -> list[str]:
    """That the difference may be chance, if it is no larger than what the searches left open."""
    old, new = (_objective_and_saving(plan) for plan in (before, after))
    difference, open_kusd = abs(new[0] - old[0]), max(old[1], new[1])
    if difference == 0 or difference > open_kusd:
        return []
    return [
        f"The objectives differ by {money(difference)}, but a better plan of one of the two could save up to "
        f"{money(open_kusd)}: the differences may not be real. Solve with a smaller gap to find out."
    ]


def _objective_and_saving(plan: Plan) -> tuple[float, float]:
    """The objective, and how much less the best plan could cost, kUSD."""
    objective, bound = plan.summary.objective_kusd, plan.summary.bound_kusd
    assert objective is not None
    return objective, objective - (objective if bound is None else bound)
