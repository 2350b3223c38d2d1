"""Origin of material: the place it was shipped from last, or the places where its content was mined and refined."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lodeplan.schemas.types import NameList, Strict, When

Role = Literal["last_origin", "mined_in", "refined_in", "any_stage"]
"""Role of a place in the material's history: it was shipped from there last, mined there, refined there, or any of
these."""


class SourceBan(Strict):
    """Material from these places is not accepted."""

    places: NameList = Field(min_length=1, description="Places or groups.")
    role: Role = Field(default="any_stage", description="Role that they must not have had.")
    onset: When | None = Field(default=None, description="First day in force; absent: no beginning.")
    until: When | None = Field(default=None, description="First day no longer in force; absent: no end.")
