"""Two plans side by side."""

from __future__ import annotations

from pydantic import BaseModel, Field

from lodeplan.schemas.plan import Summary
from lodeplan.schemas.report import Section


class Comparison(BaseModel):
    """Differences between two plans, with their reasons."""

    difference: list[str] = Field(
        description="Sentences, the largest shift of supply first. Empty if one of the two scenarios has no plan."
    )
    first: Summary
    second: Summary
    sections: list[Section] = Field(description="The same in numbers; none if one of the two has no plan.")
