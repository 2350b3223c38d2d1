"""Where material comes from, by its last place or by what it is made of."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lodeplan.schemas.types import NameList, Strict, When

Role = Literal["last_origin", "mined_in", "refined_in", "any_stage"]
"""What a place was to the material: where it was shipped from last, mined, refined, or at any stage."""


class SourceBan(Strict):
    """Material from these places is not accepted."""

    places: NameList = Field(min_length=1, description="Places or groups.")
    role: Role = Field(default="any_stage", description="What they must not have been to the material.")
    onset: When | None = Field(default=None, description="First day in force; absent: always was.")
    until: When | None = Field(default=None, description="First day no longer in force; absent: stays.")
