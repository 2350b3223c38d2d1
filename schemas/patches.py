"""Typed patches. A scenario may be a named base and a list of patches, which shows exactly how it differs."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from lodeplan.schemas.types import Strict

PatchOp = Literal["set", "add", "scale", "remove", "keep"]


class Patch(Strict):
    """One change to a scenario. A path is keys joined by dots. A name with characters other than letters, digits, `_`
    and `-` needs quotes. `*` stands for every key at its position: `routes.'gallium/metal CHN'.freight_kusd_per_t`,
    `demands.*.quantity_t_per_y`.
    """

    op: PatchOp = Field(
        description="`set` writes the value (and creates a missing last key); `add` adds a number, a list item or the "
        "keys of a mapping; `scale` multiplies each number at the path; `remove` removes it; `keep`, at "
        "the path `mineral_groups` or `futures`, removes all others and everything that only they use."
    )
    path: str = Field(min_length=1, description="Path to change, as described above.")
    value: Any = Field(default=None, description="New value, factor or list; not used by `remove`.")
