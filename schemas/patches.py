"""Typed patches: a scenario is a named base and a list of these, and the list explains the difference."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from lodeplan.schemas.types import Strict

PatchOp = Literal["set", "add", "scale", "remove", "keep"]


class Patch(Strict):
    """One change of a scenario.

    A path is keys joined by dots; a name with other signs than letters, digits, `_` and `-` stands in
    quotes; `*` means every key at its place: `routes.'gallium/metal CHN'.freight_kusd_per_t`,
    `demands.*.quantity_t_per_y`.
    """

    op: PatchOp = Field(
        description="`set` puts the value (and makes a missing last key); `add` adds a number, an item of a "
        "list or the keys of a mapping; `scale` multiplies each number at the place; `remove` takes it away; `keep`, "
        "at the path `mineral_groups` or `futures`, takes away all but those listed, and what belongs to them alone."
    )
    path: str = Field(min_length=1, description="Where, as described above.")
    value: Any = Field(default=None, description="What; not used by `remove`.")
