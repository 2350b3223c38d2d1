"""What runs at home, and what is left for users once it has its inputs."""

from __future__ import annotations

from dataclasses import dataclass

from tools.us_2026_build.fact_tables import Facts, HomePlant
from tools.us_2026_build.market import Market
from tools.us_2026_build.numbers import rounded

COST_SHARE = 0.8
"""Running cost of a home plant over what it adds in value, in the base year."""


@dataclass(frozen=True)
class Plant:
    """A home plant in the base year. Activity is t of its output; recipes are t per t of it."""

    facts: HomePlant
    outputs: dict[str, float]
    inputs: dict[str, float]
    activity_t_per_y: float
    cost_kusd_per_t: float

    @property
    def capacity_t_per_y(self) -> float:
        """Capacity in the base year's terms, for a plant on a supply curve."""
        return rounded(self.activity_t_per_y * (self.facts.capacity_factor or 1))


@dataclass(frozen=True)
class Balance:
    """A commodity at home in the base year, t/y: imports + output = inputs + exports + use."""

    imports: float
    output: float
    inputs: float
    exports: float

    @property
    def use(self) -> float:
        """What is left for users."""
        return self.imports + self.output - self.inputs - self.exports

    @property
    def net_import_reliance(self) -> float:
        """Net imports over what is used at home, by plants and users; as USGS counts it."""
        return (self.imports - self.exports) / (self.imports - self.exports + self.output)


def plants(market: Market) -> list[Plant]:
    """All home plants, costed; raises `ValueError` if one could not earn its inputs."""
    facts = market.facts
    found = []
    for plant in facts.plants:
        activity = facts.quantity_t(plant.activity_key)
        outputs = {plant.output: 1.0} | _by_products(facts, plant)
        margin = _worth_kusd_per_t(market, outputs) - _worth_kusd_per_t(market, plant.inputs)
        if margin <= 0:
            raise ValueError(f"{plant.name} loses {-margin:.3g} kUSD on a tonne before any running cost")
        found.append(Plant(plant, outputs, plant.inputs, activity, rounded(COST_SHARE * margin)))
    return found


def _by_products(facts: Facts, plant: HomePlant) -> dict[str, float]:
    """What came with a t of the plant's output in the base year, t."""
    activity = facts.quantity_t(plant.activity_key)
    return {commodity: rounded(facts.quantity_t(key) / activity, 6) for commodity, key in plant.by_products.items()}


def _worth_kusd_per_t(market: Market, recipe: dict[str, float]) -> float:
    """A recipe at landed prices."""
    return sum(amount * market.price_kusd_per_t(commodity) for commodity, amount in recipe.items())


def balances(facts: Facts, running: list[Plant]) -> dict[str, Balance]:
    """The balance of each commodity in the base year."""
    return {
        commodity: Balance(
            imports=facts.flow_t(commodity, "imports"),
            output=sum(plant.activity_t_per_y * plant.outputs.get(commodity, 0) for plant in running),
            inputs=sum(plant.activity_t_per_y * plant.inputs.get(commodity, 0) for plant in running),
            exports=facts.flow_t(commodity, "exports"),
        )
        for commodity in facts.materials
    }
