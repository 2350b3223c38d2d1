"""Findings of the check: violations relative to their scale, and cost differences."""

from __future__ import annotations

from dataclasses import dataclass, field

from lodeplan.schemas import Verdict

WORTH_A_WORD = 1e-6
"""Below this, relative, a violation counts but is not put into words: solvers leave such dust."""
SENTENCES = 10


@dataclass(frozen=True)
class Unit:
    """The least size against which a violation is measured, and the unit it is said in."""

    size: float
    name: str


ONE = Unit(1.0, "")
MONEY = Unit(1.0, "kUSD")


@dataclass
class Ledger:
    """Collects findings; each is relative to `max(unit, |right-hand side|, largest term)`."""

    max_violation: float = 0.0
    cost_difference_rel: float = 0.0
    _found: list[tuple[float, str]] = field(default_factory=list)

    def at_most(self, subject: str, value: float, bound: float, unit: Unit) -> None:
        """`value <= bound`."""
        if value > bound:
            scale = max(unit.size, abs(bound))
            words = f"{subject} is {_said(value, unit)}, at most {_said(bound, unit)}"
            self._violation((value - bound) / scale, words)

    def at_least(self, subject: str, value: float, bound: float, unit: Unit) -> None:
        """`value >= bound`."""
        if value < bound:
            scale = max(unit.size, abs(bound))
            words = f"{subject} is {_said(value, unit)}, at least {_said(bound, unit)}"
            self._violation((bound - value) / scale, words)

    def equal(self, subject: str, value: float, expected: float, unit: Unit) -> None:
        """`value = expected`, measured against the larger of both."""
        if value != expected:
            scale = max(unit.size, abs(value), abs(expected))
            words = f"{subject} is {_said(value, unit)}, should be {_said(expected, unit)}"
            self._violation(abs(value - expected) / scale, words)

    def balance(self, subject: str, coming: float, going: float, unit: Unit) -> None:
        """Check that inflow equals outflow."""
        gap = abs(coming - going)
        if gap:
            scale = max(unit.size, coming, going)
            words = f"{subject} is off by {_said(gap, unit)}: {_said(coming, unit)} in, {_said(going, unit)} out"
            self._violation(gap / scale, words)

    def wrong(self, sentence: str) -> None:
        """Something that is not a matter of degree counts as one full unit."""
        self._violation(1.0, sentence)

    def cost(self, subject: str, reported: float | None, computed: float, scale: float) -> None:
        """A reported cost against the recomputed one, relative to `scale` (at least 1 kUSD)."""
        if reported is None:
            self.cost_difference_rel = max(self.cost_difference_rel, 1.0)
            self._found.append((1.0, f"{subject} is not a number"))
            return
        difference = abs(reported - computed) / max(1.0, scale)
        self.cost_difference_rel = max(self.cost_difference_rel, difference)
        if difference > WORTH_A_WORD:
            words = f"{subject} is reported as {_said(reported, MONEY)}, recomputed {_said(computed, MONEY)}"
            self._found.append((difference, words))

    def verdict(self) -> Verdict:
        """The findings, largest first."""
        worst = sorted(self._found, key=lambda found: -found[0])[:SENTENCES]
        return Verdict(
            max_violation=self.max_violation,
            cost_difference_rel=self.cost_difference_rel,
            worst=[sentence for _, sentence in worst],
        )

    def _violation(self, relative: float, sentence: str) -> None:
        self.max_violation = max(self.max_violation, relative)
        if relative > WORTH_A_WORD:
            self._found.append((relative, sentence))


def _said(value: float, unit: Unit) -> str:
    return f"{value:.6g} {unit.name}".rstrip()
