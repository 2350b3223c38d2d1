"""What the page of a run shows, read from the job, its scenario and its plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from lodeplan.optimizer import Plan, figures
from lodeplan.optimizer.prepare.costs import TRANSFERS
from lodeplan.optimizer.results.specs import SPECS
from lodeplan.schemas import Scenario, Solution, Summary
from lodeplan.service.ui import grids
from lodeplan.service.ui.grids import Grid


class UnknownChoiceError(LookupError):
    """A mineral group or year that the run does not have."""


@dataclass(frozen=True)
class RunView:
    """The plan of a job, or its word that there is none, and the scenario it answers."""

    summary: Summary
    scenario: Scenario
    tables: dict[str, pd.DataFrame]
    notes: Mapping[str, str] = field(default_factory=dict)
    """By table, what the version that made the plan does not tell in it."""

    @property
    def not_told(self) -> list[str]:
        """The same in sentences, with the titles of the tables."""
        return [f"{SPECS[name].title}: {note}" for name, note in self.notes.items()]

    @property
    def has_plan(self) -> bool:
        """Whether there is something to do, rather than a reason why not."""
        return self.summary.solution is not Solution.NONE

    @property
    def plan(self) -> Plan:
        """The plan, for its figures."""
        return Plan(self.summary, self.tables, self.scenario)

    @cached_property
    def groups(self) -> list[str]:
        """Mineral groups of the scenario."""
        return figures.mineral_groups(self.plan)

    @cached_property
    def years(self) -> list[int]:
        """First years of the periods."""
        return figures.years(self.plan)

    @property
    def saving_kusd(self) -> float | None:
        """What the plan saves against doing nothing, in expectation: the same as the first finding says."""
        terms = self.tables["cost_terms"]
        if self.summary.do_nothing_kusd is None:
            return None
        counted = terms if self.scenario.economics.view == "importer" else terms[~terms["term"].isin(TRANSFERS)]
        return float(-counted["change_kusd"].sum())

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

    def decisions(self) -> list[Grid]:
        """What to start and whom to qualify."""
        return [grids.starts(self.tables, self.scenario), grids.onboardings(self.summary, self.scenario)]

    def group_grids(self, group: str) -> list[Grid]:
        """Flows of a mineral group."""
        return [make(self.tables, self.scenario, group) for make in (grids.supply, grids.uses)]

    def stock_grid(self, group: str) -> Grid:
        """Stock of a mineral group."""
        return grids.stocks(self.tables, self.scenario, group)

    def cost_grids(self) -> list[Grid]:
        """Cost by term and by future, and how far both may be from the best."""
        return [
            grids.cost_terms(self.tables),
            grids.futures(self.tables, self.scenario),
            grids.gaps(self.summary),
        ]

    def limit_grid(self) -> Grid:
        """Limits missed, or kept only by going short."""
        return grids.limits(self.tables)

    def shortage_grid(self) -> Grid:
        """Shortages of all mineral groups."""
        return grids.shortages(self.tables, self.scenario)
