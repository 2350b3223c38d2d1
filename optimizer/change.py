"""Changes of a scenario: the parts of its model that can be kept, and the numbers of its arrays that are others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.schemas.scenario import Scenario

HEADER = ("schema_version", "name", "title", "description", "author", "data_vintage")
NO_DATA = (*HEADER, "solve", "provenance", "acknowledged")
"""Fields of a scenario that no number of its model depends on."""


@dataclass(frozen=True)
class SetDifference:
    """An index set of the model that is another one now."""

    name: str
    """Such as `demands` or `ship routes`."""
    added: tuple[Any, ...]
    """Members that were not there."""
    gone: tuple[Any, ...]
    """Members that are there no more. Nothing added and nothing gone: they stand in another order."""


class Anew(StrEnum):
    """Reasons why a form is built anew after a change, and not changed in place."""

    NO_FORM = "no_form"
    """None was held: the problem was not solved yet, or what it held does not count any more."""
    INDEX_SETS = "index_sets"
    """The model has other index sets: see `differences`."""
    ROWS = "rows"
    """Its index sets are the same, but a row or a column is there that was not, or the reverse: a limit that did not
    bind, for example."""
    ROW_BY_ROW = "row_by_row"
    """The model was asked for or added to, so that it is an ordinary one of Pyomo, handed off row by row."""
    REGRET = "regret"
    """Regret is held against the best plan of each future, which has to be found first."""


@dataclass(frozen=True)
class Numbers:
    """Counts of the numbers of a form that are others, in the model's own units."""

    costs: int
    """Of columns in the objective."""
    bounds: int
    """Lower and upper bounds of columns."""
    sides: int
    """Left-hand and right-hand sides of rows."""
    coefficients: int
    """Entries of the matrix, also those that are 0 now or were."""


@dataclass(frozen=True)
class Change:
    """Result of changing a scenario: the steps of the problem that were kept or done again."""

    fields: tuple[str, ...]
    """Fields of the scenario that are not what they were, such as `demands`."""
    kept: tuple[str, ...]
    """Steps that were held and stand as they were: of `instance`, `model`, `form` and `answer`."""
    differences: tuple[SetDifference, ...]
    """Index sets that are not what they were: why the model has other rows and columns."""
    in_place: Numbers | None = None
    """Numbers of the held form that were changed, where that was possible; all others stand as they were."""
    anew: Anew | None = None
    """Why the form was not changed in place; None where it was, or nothing in it changes."""

    @property
    def only_numbers(self) -> bool:
        """True if the model has the same index sets as before, so that only its numbers may differ."""
        return not self.differences


def changed_fields(before: Scenario, after: Scenario) -> tuple[str, ...]:
    """Fields of two scenarios that differ."""
    return tuple(name for name in type(before).model_fields if getattr(before, name) != getattr(after, name))


def set_differences(before: Instance, after: Instance) -> Iterator[SetDifference]:
    """The index sets of two instances that differ."""
    new = index_sets(after)
    for name, members in index_sets(before).items():
        if members != new[name]:
            was, now = set(members), set(new[name])
            added = tuple(member for member in new[name] if member not in was)
            yield SetDifference(name, added, tuple(member for member in members if member not in now))


def index_sets(instance: Instance) -> Mapping[str, tuple[Any, ...]]:
    """Index sets of the variables and limits of a model, with nodes by name."""
    names = instance.tree.names
    limits = instance.limits
    return {
        "nodes": tuple(names),
        "steps": tuple(instance.supply.steps),
        "route bands": tuple(instance.trade.bands),
        "modes": tuple(instance.supply.activities),
        "markets": instance.markets,
        "declarations": instance.declarations,
        "disposals": instance.disposals,
        "stockpiles": tuple(instance.stocks.names),
        "demands": tuple(instance.demands.names),
        "demand options": tuple(instance.demands.options),
        "recycling": tuple(instance.recovery.rules),
        "shortage steps": tuple(instance.demands.steps),
        "soft limits": tuple(limits.soft),
        "starts": tuple((project, track, names[node]) for project, track, node in instance.programme.starts),
        "onboardings": tuple((route, names[node]) for route, node in instance.qualification.offers),
        "shares": tuple((name, names[node]) for name, node in limits.shares),
        "concentration caps": tuple((name, names[node]) for name, node in limits.concentrated),
        "budgets": tuple((name, names[node]) for name, node in limits.budgets),
        "service floors": tuple((name, demand, names[node]) for name, demand, node in limits.service_floors),
    }
