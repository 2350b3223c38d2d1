"""The two scenarios the build writes: what differs between them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.us_2026_build.fact_tables import BASE_YEAR


@dataclass(frozen=True)
class Vintage:
    """A scenario's years and the year of its prices."""

    folder: Path
    first_year: int
    last_year: int
    price_year: int

    @property
    def years(self) -> range:
        """Years planned for."""
        return range(self.first_year, self.last_year + 1)

    @property
    def is_base(self) -> bool:
        """Whether it is the year observed."""
        return self.first_year == BASE_YEAR

    def growth(self, rate: float, year: int | None = None) -> float:
        """Growth at a yearly rate from the base year to a year, by default the first."""
        return float((1 + rate) ** ((year or self.first_year) - BASE_YEAR))


_SCENARIOS = Path(__file__).parent.parent.parent / "scenarios"
PLAN = Vintage(_SCENARIOS / "us_2026", 2026, 2035, price_year=2025)
BASE = Vintage(_SCENARIOS / "us_base_2024", BASE_YEAR, BASE_YEAR, price_year=BASE_YEAR)
