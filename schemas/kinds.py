"""Kinds of supply and use, as named in the result tables `supply` and `uses`."""

from __future__ import annotations

from enum import StrEnum


class SourceKind(StrEnum):
    """Source of home's supply (`source_kind` in the table `supply`)."""

    IMPORT = "import"
    HOME = "home"
    """Gross output of facilities and projects at home."""
    RECYCLED = "recycled"
    STOCK = "stock"
    """Released from a stockpile."""

    @property
    def is_new(self) -> bool:
        """True if this source adds material; false if it moves material from an earlier year."""
        return self is not SourceKind.STOCK


class UseKind(StrEnum):
    """Use of home's supply, or unmet need (`use_kind` in the table `uses`)."""

    DEMAND = "demand"
    SUBSTITUTE = "substitute"
    """Used in place of another commodity."""
    REDUCED = "reduced"
    """Need that users give up as the price rises."""
    PLANT = "plant"
    """Input of a facility or project at home."""
    STOCK = "stock"
    """Bought for a stockpile."""
    DISPOSAL = "disposal"
    EXPORT = "export"
    """Sent abroad on a route, or sold to buyers abroad."""
    SHORTAGE = "shortage"

    @property
    def takes_material(self) -> bool:
        """True if this use takes material; false if it is an unmet need."""
        return self not in (UseKind.REDUCED, UseKind.SHORTAGE)


class ProjectStatus(StrEnum):
    """Status of a project in a plan (`status` in the table `projects`)."""

    STARTED = "started"
    COMMITTED = "committed"
    """Started before the plan."""
    NOT_STARTED = "not started"
