"""Volumes for offers without a limit, in scenarios that are drawn: no event may leave a part of such an offer."""

from typing import Any

LIMITS = ("capacity_t_per_y", "steps", "supply_curve")


def with_volumes(data: dict[str, Any], t_per_y: float) -> dict[str, Any]:
    """The data with a capacity for offers that have no limit, if some event leaves a part."""
    events = data.get("events", {}).values()
    if any(event.get("availability_share", 0) not in (0, 1) or event.get("recovery_years") for event in events):
        for facility in data["facilities"].values():
            if not any(limit in facility for limit in LIMITS):
                facility["capacity_t_per_y"] = t_per_y
    return data
