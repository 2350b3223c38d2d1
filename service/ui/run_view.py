"""View of a run: the contents of its page, read from the job, its scenario and its plan."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from lodeplan.optimizer import Plan, figures
from lodeplan.optimizer.report import costs, decisions, flows, limits, record, shortages, stocks
from lodeplan.schemas import Scenario, Solution, Summary
from lodeplan.schemas.report import Section


class UnknownChoiceError(LookupError):
    """A mineral group or year that the run does not have."""


@dataclass(frozen=True)
class RunView:
    """The plan of a job, or its word that there is none, and the scenario it answers."""

    plan: Plan
    scenario: Scenario

    @property
    def summary(self) -> Summary:
        """The summary of the plan."""
        return self.plan.summary

    @property
    def not_told(self) -> list[str]:
        """Data that the version that made the plan did not store, in sentences."""
        return record.untold(self.plan)

    @property
    def has_plan(self) -> bool:
        """True if there is a plan, false if there is a reason why not."""
        return self.summary.solution is not Solution.NONE

    @cached_property
    def groups(self) -> list[str]:
        """Mineral groups of the scenario."""
        return figures.mineral_groups(self.plan)

    @cached_property
    def years(self) -> dict[int, str]:
        """First years of the periods, and all their years in words."""
        return figures.years_in_words(self.plan.tables)

    def choose_group(self, group: str | None) -> str:
        """The mineral group asked for, or the most telling one."""
        if group is None:
            return self._telling_group
        if group not in self.groups:
            raise UnknownChoiceError(f"This run has no mineral group “{group}”. It has: {', '.join(self.groups)}.")
        return group

    @cached_property
    def _telling_group(self) -> str:
        return figures.telling_group(self.plan)

    def choose_year(self, year: str | None, group: str) -> int:
        """The year asked for, or the first in which something of the group flows."""
        if year is None:
            return figures.telling_year(self.plan, group)
        if year not in map(str, self.years):
            raise UnknownChoiceError(f"This run has no year “{year}”. It has: {', '.join(map(str, self.years))}.")
        return int(year)

    def stored_groups(self) -> set[str]:
        """Mineral groups with a stockpile."""
        return {self.scenario.commodities[pile.commodity].mineral_group for pile in self.scenario.stockpiles.values()}

    def totals(self) -> Section:
        """The numbers of the whole plan."""
        return costs.totals(self.plan)

    def decisions(self) -> list[Section]:
        """Decisions: projects to start and suppliers to qualify."""
        return [decisions.starts(self.plan), decisions.onboardings(self.plan)]

    def group_grids(self, group: str) -> list[Section]:
        """Flows of a mineral group."""
        return [flows.supply(self.plan, group), flows.uses(self.plan, group)]

    def stock_grid(self, group: str) -> Section:
        """Stock of a mineral group."""
        return stocks.stocks(self.plan, group)

    def cost_grids(self) -> list[Section]:
        """Cost by term and by future, and how far both may be from the best."""
        return [costs.cost_terms(self.plan), costs.futures(self.plan), costs.gaps(self.plan)]

    def limit_grids(self) -> list[Section]:
        """Limits missed or kept only by going short, if the scenario has any, and limits that bind."""
        missed = [limits.missed_limits(self.plan)] if len(self.plan.tables["limits"]) else []
        return [*missed, limits.binding_limits(self.plan)]

    def shortage_grid(self) -> Section:
        """Shortages of all mineral groups."""
        return shortages.shortages(self.plan)

    def check_sentences(self) -> list[str]:
        """Result of the independent check, in sentences."""
        return record.check_sentences(self.summary)
