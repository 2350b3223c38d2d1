"""How a draw of futures went: plain data for the plan's summary."""

from __future__ import annotations

from pydantic import BaseModel, Field


class LostShare(BaseModel):
    """Expected share of what a hazard interrupts that is lost: mean over the years in which it may begin."""

    drawn: float = Field(description="Over all draws.")
    kept: float = Field(description="Over the futures kept, by weight.")


class SamplingReport(BaseModel):
    """What was drawn, what was kept of it, and how far apart both are."""

    seed: int = Field(description="Seed of the draw.")
    draws: int = Field(description="Futures drawn.")
    distinct_draws: int = Field(
        description="Those that still differ when losses are rounded to 1/365 of a period's supply."
    )
    futures: int = Field(description="Futures kept.")
    probability: float = Field(description="What the listed futures leave to those drawn.")
    distance_y: float = Field(
        description="Kantorovich distance of the futures kept from those drawn: years of a hazard's full loss by "
        "which a draw differs on average from the future that stands for it, summed over hazards."
    )
    relative_distance: float = Field(
        description="The same over the distance to the best single future: 0 loses nothing, 1 is no better than that."
    )
    lost_share: dict[str, LostShare] = Field(description="By hazard: expected loss before and after the reduction.")
