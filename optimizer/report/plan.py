"""A plan as a report: what to do, what it costs, what it buys, what stays at risk, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterator

from lodeplan.optimizer.plan import Plan
from lodeplan.optimizer.report.costs import cost_terms, futures, gaps, totals
from lodeplan.optimizer.report.decisions import onboardings, starts
from lodeplan.optimizer.report.flows import main_sources
from lodeplan.optimizer.report.limits import binding_limits, missed_limits
from lodeplan.optimizer.report.record import branch_sentences, check_sentences, run_sentence, untold
from lodeplan.optimizer.report.shortages import worst_shortages
from lodeplan.optimizer.report.stocks import highest_stocks
from lodeplan.optimizer.words.states import status
from lodeplan.schemas.plan import Solution
from lodeplan.schemas.report import Report, Section


def report_of(plan: Plan) -> Report:
    """The report of a plan; of one without a solution, why there is none."""
    summary = plan.summary
    title = plan.scenario.title if plan.scenario else ""
    none = summary.solution is Solution.NONE
    return Report(
        title=f"{title} ({summary.scenario})" if title else summary.scenario,
        status=status(summary),
        findings=summary.conflict if none else summary.findings,
        sections=[] if none else list(_sections(plan)),
        closing=[] if none else _closing(plan),
    )


def _closing(plan: Plan) -> list[str]:
    summary = plan.summary
    said = [*check_sentences(summary), *branch_sentences(summary), *untold(plan), run_sentence(summary)]
    return [sentence for sentence in said if sentence]


def _sections(plan: Plan) -> Iterator[Section]:
    if not plan.summary.nothing_found:
        yield starts(plan)
        if plan.scenario and any(route.onboarding for route in plan.scenario.routes.values()):
            yield onboardings(plan)
    yield main_sources(plan)
    yield highest_stocks(plan)
    yield totals(plan)
    yield cost_terms(plan)
    if len(plan.tables["futures"]) > 1:
        yield futures(plan)
    yield worst_shortages(plan)
    yield gaps(plan)
    if len(plan.tables["limits"]):
        yield missed_limits(plan)
    yield binding_limits(plan)
