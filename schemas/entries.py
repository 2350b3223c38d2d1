"""What the entries of a scenario have in common."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lodeplan.schemas.types import Strict

Tier = Literal["military", "essential_civilian", "other", "export"]
"""Whose need it is; `export`: buyers abroad, whose penalty is the sale forgone."""


class Entry(Strict):
    """What every named entry may carry."""

    title: str = Field(default="", description="What a planner calls it.")
    note: str = Field(default="", description="Anything a reader should know.")
