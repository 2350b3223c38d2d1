"""Two plans side by side."""

from __future__ import annotations

from pydantic import BaseModel, Field

from lodeplan.schemas.plan import Summary


class Comparison(BaseModel):
    """Differences between two plans, with their reasons."""

    difference: list[str] = Field(
        description="Sentences, the largest shift of supply first. Empty if one of the two scenarios has no plan."
    )
    first: Summary
    second: Summary
