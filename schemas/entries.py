"""Base of all entries of a scenario."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lodeplan.schemas.types import Strict

Tier = Literal["military", "essential_civilian", "other", "export"]
"""Group of users; `export`: buyers abroad, whose penalty is the lost sale."""


class Entry(Strict):
    """Fields that every named entry may have."""

    title: str = Field(default="", description="Name for readers.")
    note: str = Field(default="", description="Note for readers.")
