"""The options by which a demand can be met (conventions, "Demand")."""

from __future__ import annotations

from dataclasses import dataclass

from lodeplan.optimizer.check.content import CLEAN, Content, Variant
from lodeplan.optimizer.check.tags import in_quotes_if
from lodeplan.schemas import Scenario
from lodeplan.schemas.scenario import Demand, ElasticDemand, Substitute

ITSELF = "itself"


@dataclass(frozen=True)
class Option:
    """Material taken for each t of demand met; none where the need is reduced or given up."""

    commodity: str | None
    ratio_t_per_t: float = 1.0
    variant: Variant = CLEAN
    substitute: str | None = None
    step: int | None = None
    """Number of the step of an elastic demand that is given up."""


def options_of(scenario: Scenario, content: Content, demand_name: str) -> dict[str, Option]:
    """By what is written for them in the table `serve`."""
    demand = scenario.demands[demand_name]
    found = {
        _in_variant(ITSELF, written): Option(demand.commodity, variant=variant)
        for written, variant in content.variants[demand.commodity].items()
    }
    for name, substitute in demand.substitutes.items():
        variants = {"": CLEAN} if substitute.commodity is None else content.variants[substitute.commodity]
        found |= {
            _in_variant(_unmistakable(name), written): Option(
                substitute.commodity, substitute.ratio_t_per_t, variant, name
            )
            for written, variant in variants.items()
        }
    if demand.elastic is not None:
        found |= {f"given up {number}": Option(None, step=number) for number in range(demand.elastic.steps)}
    return found


def _unmistakable(name: str) -> str:
    """A substitute's name as it stands in an option."""
    return in_quotes_if(name, not {"/", "'"}.isdisjoint(name))


def _in_variant(name: str, written: str) -> str:
    return f"{name}/{written}" if written else name


def first_year(scenario: Scenario, substitute: Substitute, departed_year: int | None) -> float | None:
    """The year from which a substitute can be used; None: never, on the base path."""
    since = departed_year if substitute.after_departure else scenario.horizon.first_year
    return None if since is None else since + substitute.delay_years


def width_share(elastic: ElasticDemand) -> float:
    """Share of the quantity that each step of an elastic demand lets go."""
    return (1 - elastic.down_to_share) / elastic.steps


def worth_kusd_per_t(demand: Demand, step: int) -> float:
    """Of the need given up on a step of an elastic demand: P0 (1 + s / e) at its middle."""
    if demand.elastic is None:
        return 0.0
    given_up = (step + 0.5) * width_share(demand.elastic)
    return demand.elastic.price_kusd_per_t * (1 + given_up / demand.elastic.elasticity)
