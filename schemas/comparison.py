"""Two plans side by side."""

from __future__ import annotations

from pydantic import BaseModel, Field

from lodeplan.schemas.plan import Summary


class Comparison(BaseModel):
    """What differs between two plans, and why."""

    difference: list[str] = Field(
        description="Sentences, the largest shift of supply first; none if one of the two has no plan."
    )
    first: Summary
    second: Summary
