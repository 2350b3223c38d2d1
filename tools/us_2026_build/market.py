"""The market's landed price of each commodity, and the calibration that makes every source meet it."""

from __future__ import annotations

from dataclasses import dataclass

from tools.us_2026_build.duty import DutyBook, Import
from tools.us_2026_build.fact_tables import Facts
from tools.us_2026_build.numbers import rounded
from tools.us_2026_build.supply import Source, sources
from tools.us_2026_build.vintage import Vintage


@dataclass(frozen=True)
class Market:
    """Sources abroad with the duty of the base year, and the landed price they add up to."""

    facts: Facts
    vintage: Vintage
    sources: list[Source]
    duty_kusd_per_t: dict[str, float]

    def landed_kusd_per_t(self, source: Source) -> float:
        """Price, freight and duty of the base year at the source's observed volume."""
        return source.price_kusd_per_t + source.freight_kusd_per_t + self.duty_kusd_per_t[source.name]

    def price_kusd_per_t(self, commodity: str) -> float:
        """The market's landed price: the mean over sources, weighted by volume.

        With the mean, calibration terms have both signs and add to zero over the flows observed: they move
        no money in the base year. Without imports it is the market price.
        """
        of_commodity = [source for source in self.sources if source.commodity == commodity]
        if not of_commodity:
            return self.facts.prices[commodity, self.vintage.price_year].price_kusd_per_t
        volume = sum(source.observed_t_per_y for source in of_commodity)
        return sum(source.observed_t_per_y * self.landed_kusd_per_t(source) for source in of_commodity) / volume

    def calibration_kusd_per_t(self, source: Source) -> float:
        """What makes the source's landed cost the market's, kUSD/t."""
        return rounded(self.price_kusd_per_t(source.commodity) - self.landed_kusd_per_t(source), 5)


def market(facts: Facts, vintage: Vintage, book: DutyBook) -> Market:
    """The market of a vintage: its prices, under the duties of the base year."""
    found = sources(facts, vintage)
    duties = {
        source.name: book.mean_duty_kusd_per_t(
            Import(
                source.commodity,
                source.place,
                source.price_kusd_per_t,
                facts.prices[source.commodity, vintage.price_year].price_kusd_per_t,
            )
        )
        for source in found
    }
    return Market(facts, vintage, found, duties)
