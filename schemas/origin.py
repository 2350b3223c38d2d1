"""Origin of the scenario of a job: what it is based on, the patches, and the values that they changed."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from lodeplan.schemas.patches import Patch
from lodeplan.schemas.types import Strict

MAX_CHANGES = 2_000
"""Changed values that are kept of a job; a patch with `*` may change any number of them."""


class ValueChange(Strict):
    """A value that differs between a scenario and its base; of an entry that was added or removed, the whole entry."""

    path: str = Field(description="Place in the scenario, in the notation of patches.")
    title: str = Field(default="", description="Title of the entry, or description of the field.")
    unit: str = Field(default="", description="Unit of the value; empty for names, counts and whole entries.")
    before: Any = Field(default=None, description="Value in the base; absent if it has none.")
    after: Any = Field(default=None, description="Value in the scenario; absent if it was removed.")


class Origin(Strict):
    """Origin of a scenario, as it is stored with its job."""

    scenario: str | dict[str, Any] | None = Field(
        default=None,
        description="What was asked for: a shipped name, or a scenario that says its `base`; absent for a whole one.",
    )
    patches: list[Patch] = Field(default=[], description="Patches of the request, in order.")
    changes: list[ValueChange] = Field(default=[], max_length=MAX_CHANGES)
    count: int = Field(default=0, description="Number of values that differ.")
    base_is_valid: bool = Field(default=True, description="False if the base is no scenario without its patches.")

    @property
    def base(self) -> str | None:
        """The shipped scenario it is based on."""
        return self.scenario.get("base") if isinstance(self.scenario, dict) else self.scenario


class JobChange(ValueChange):
    """A changed value, and who asked for it."""

    who: str | None = Field(default=None, description="Caller who asked for it, as the audit log names callers.")


class JobChanges(Strict):
    """Differences between the scenario of a job and what it is based on."""

    base: str | None = Field(default=None, description="Shipped scenario it is based on; absent for a whole one.")
    who: str | None = Field(default=None, description="Caller who submitted the job.")
    patches: list[Patch] = Field(description="Patches of the request, in order; those of a batch come first.")
    changes: list[JobChange] = Field(description=f"Values that differ, at most {MAX_CHANGES:,} of a request.")
    count: int = Field(description="Number of values that differ.")
    note: str | None = Field(default=None, description="Why the changes are not known, or not all shown.")
