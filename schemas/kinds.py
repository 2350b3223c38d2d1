"""Kinds of supply and of use: the words of the result tables `supply` and `uses`, for all that reads them."""

from __future__ import annotations

from enum import StrEnum


class SourceKind(StrEnum):
    """Where supply of home comes from (`source_kind` of the table `supply`)."""

    IMPORT = "import"
    HOME = "home"
    """Gross output of facilities and projects at home."""
    RECYCLED = "recycled"
    STOCK = "stock"
    """Released from a stockpile."""

    @property
    def is_new(self) -> bool:
        """Whether it adds to what there is, instead of moving it from an earlier year."""
        return self is not SourceKind.STOCK


class UseKind(StrEnum):
    """What supply of home is for (`use_kind` of the table `uses`), and what need it leaves."""

    DEMAND = "demand"
    SUBSTITUTE = "substitute"
    """Taken in place of another commodity."""
    REDUCED = "reduced"
    """Need that is given up to the price."""
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
        """Whether it is a flow of material, instead of a need that none is for."""
        return self not in (UseKind.REDUCED, UseKind.SHORTAGE)


class ProjectStatus(StrEnum):
    """How a project stands in a plan (`status` of the table `projects`)."""

    STARTED = "started"
    COMMITTED = "committed"
    """Started before the plan."""
    NOT_STARTED = "not started"
