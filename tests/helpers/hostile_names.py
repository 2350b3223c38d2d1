"""A scenario with every name in it replaced by one that looks like something else."""

from __future__ import annotations

import random
from typing import Any

Data = dict[str, Any]

HOSTILE = (
    *("clean", "all", "base", "x/y", "a + b", "in_quota/clean", "itself", "given up 1", "given up 0", "itself/clean"),
    *(
        "f@2028",
        "without B",
        "CHN mined_in",
        "mined_in",
        "last_origin",
        "refined_in",
        "a, b",
        "a",
        "b",
        "it's",
        "'clean'",
    ),
    *('"quoted"', "dots.in.names", "[a-z]?", "ü ß 漢字", "2028", "2028@2028", "None", "nan", "0", "1.0", "true", "''"),
    *("=HYPERLINK(1)", "as_planned", "as planned", "over_quota", "all/clean", "clean + clean", "a +", "+ b", "cost"),
    *(
        "any_stage",
        "a without b",
        "clean mined_in",
        "standard",
        "x" * 120,
        "y" * 119 + "/",
        "per cent %s {0}",
        "\\",
        "&<b>",
    ),
)
PLACES, COMMODITIES, OWN = "places", "commodities", "own"
FIELDS = {
    **dict.fromkeys(("home", "place", "origin", "destination", "mined_in", "refined_in", "members"), PLACES),
    **dict.fromkeys(("origins", "except_origins", "destinations", "volume_by_origin_t_per_y"), PLACES),
    **dict.fromkeys(("groups", "memberships", "places"), PLACES),
    **dict.fromkeys(("commodity", "from_commodity", "outputs", "inputs"), COMMODITIES),
    **dict.fromkeys(("commodities", "except_commodities"), COMMODITIES),
    "mineral_group": "mineral_group",
    **dict.fromkeys(("facilities", "projects", "requires", "excludes"), "makers"),
    **dict.fromkeys(("tracks", "forced_track"), "tracks"),
    **dict.fromkeys(("tariffs", "programme", "all_in_with", "replaces", "switch_on", "switch_off"), "tariffs"),
    **dict.fromkeys(("events", "release_events"), "events"),
    **dict.fromkeys(("futures", "after"), "futures"),
    **dict.fromkeys(("routes", "demands", "stockpiles", "recycling", "limits", "substitutes", "source_bans"), OWN),
}
"""What the names in a field are names of: of `OWN`, of nothing that another field speaks of."""


def refused(substitute: str) -> bool:
    """Whether a substitute may not be called so."""
    return substitute.split("/")[0] == "itself" or substitute.startswith("given up ")


class Renaming:
    """One name in the place of another, by what it names; always the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        self._names: dict[str, dict[str, str]] = {}
        self._left: dict[str, list[str]] = {}

    def of(self, kind: str, name: str) -> str:
        if "*" in name:
            return "*"
        if kind not in self._left:
            allowed = [word for word in HOSTILE if not (kind.startswith("substitutes") and refused(word))]
            self._left[kind] = self._draw.sample(allowed, len(allowed))
        known = self._names.setdefault(kind, {})
        if name not in known:
            left = self._left[kind]
            known[name] = left.pop() if left else f"{name} {len(known)} clean"
        return known[name]


def renamed(value: Any, names: Renaming, field: str = "") -> Any:
    """The same with other names."""
    kind = FIELDS.get(field)
    if isinstance(value, dict):
        if "all_in_ceiling_share" in value:
            # Its default is a name too.
            value = {"all_in_with": ["mfn"], **value}
        own = f"{field} of its own" if kind == OWN else kind
        return {
            names.of(own, key) if own else key: renamed(item, names, "" if own else str(key))
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [names.of(kind, item) if kind and isinstance(item, str) else renamed(item, names) for item in value]
    return names.of(kind, value) if kind and isinstance(value, str) else value
