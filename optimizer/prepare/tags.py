"""Tags: what is said of material by where it comes from, such as `covered_nations` or `CHN mined_in`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lodeplan.scenarios.selections import Selections
from lodeplan.schemas.content import Role, SourceBan
from lodeplan.schemas.limits import ShareCap
from lodeplan.schemas.scenario import TariffMeasure

ORIGIN: Role = "last_origin"
CLEAN = "clean"
"""The variant without tags, as tables write it."""
WORDS = frozenset({"without", "last_origin", "mined_in", "refined_in"})
"""What stands in the name of a tag besides places."""


@dataclass(frozen=True)
class Tag:
    """A set of places with a role in the making of material. Equal sets with equal roles are one tag."""

    places: frozenset[str]
    """Plain places and regions; a region with a member that is meant is in it."""
    role: Role
    name: str = field(compare=False)

    @classmethod
    def of(cls, rule: SourceBan | ShareCap | TariffMeasure, selections: Selections) -> Tag:
        """The tag that a ban, a share cap or a tariff measure asks for."""
        if isinstance(rule, TariffMeasure):
            return cls._named(rule.origins, rule.except_origins, rule.origin_role, selections)
        role = rule.role if isinstance(rule, SourceBan) else rule.origin_role
        return cls._named(rule.places, (), role, selections)

    @classmethod
    def _named(cls, written: Sequence[str], but: Sequence[str], role: Role, selections: Selections) -> Tag:
        left_out = selections.named_places(but)
        chosen = selections.named_places(written) - left_out
        return cls(selections.with_regions(chosen) - left_out, role, cls.written(written, but, role))

    @staticmethod
    def written(places: Sequence[str], but: Sequence[str], role: Role) -> str:
        """A tag's name, never that of another: places, those left out, and the role if it is not any."""
        without = f" without {_listed(but)}" if but else ""
        return _listed(places) + without + ("" if role == "any_stage" else f" {role}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(quoted(name) if _would_mislead(name) else name for name in sorted(names))


def _would_mislead(name: str) -> bool:
    """Whether a place or group is called as something that stands in the name of a tag or variant."""
    signs = any(sign in name for sign in ",+'") or name != name.strip()
    return signs or name == CLEAN or not WORDS.isdisjoint(name.split())


def quoted(name: str) -> str:
    """A name in single quotes, those in it doubled.

    >>> quoted("clean"), quoted("the king's")
    ("'clean'", "'the king''s'")
    """
    return "'" + name.replace("'", "''") + "'"


Variant = frozenset[Tag]
"""The tags a t of a commodity carries."""


def variant_name(variant: Variant) -> str:
    """A traced commodity's variant, as tables write it."""
    return " + ".join(sorted(tag.name for tag in variant)) or CLEAN
