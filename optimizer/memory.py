"""Memory that a solve needs, from the size of its model, before the model is built.

Fitted to the peaks of whole solves with one thread; docs/operations.md has the table.
"""

from __future__ import annotations

from dataclasses import dataclass

from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.optimizer.results.values import flow_indices

PROCESS_MIB = 120.0
"""Peak of a solve of next to nothing: the packages."""
KIB_PER_VARIABLE = 2.2
"""Of the model, the search and the tables together."""
WITHIN = 0.5
"""How far the peak of a solve may be from its estimate, relative; at most 0.29 was measured."""
ENTRIES = {
    "run": "cost steps of facilities and projects",
    "activity": "modes of facilities and projects",
    "ship": "routes, by duty and variant",
    "declare": "variants of traced commodities",
    "use": "ways to meet demands",
    "short": "steps of shortage",
}
"""What there is of a variable at each node; the others are few."""


class TooLarge(MemoryError):
    """A solve that cannot fit in the memory that it may hold."""


@dataclass(frozen=True)
class Need:
    """The size of a model, and the memory that its solve needs."""

    flows: dict[str, int]
    """Entries of each variable at a node."""
    nodes: int

    @classmethod
    def of(cls, instance: Instance) -> Need:
        """The need of an instance."""
        return cls({name: len(index) for name, index in flow_indices(instance).items()}, len(instance.tree))

    @property
    def variables(self) -> int:
        """Variables of the model but its yes/no decisions, which are few, and sums of costs."""
        return self.nodes * sum(self.flows.values())

    @property
    def mib(self) -> float:
        """Estimated peak of the solving process, MiB."""
        return PROCESS_MIB + self.variables * KIB_PER_VARIABLE / 2**10

    @property
    def least_mib(self) -> float:
        """The least that it may turn out to be, MiB."""
        return self.mib / (1.0 + WITHIN)

    def refuse_beyond(self, limit_mib: float) -> None:
        """Raise `TooLarge` where a solve cannot fit in so many MiB, however far off the estimate is."""
        if self.least_mib <= limit_mib:
            return
        large = sorted(ENTRIES, key=lambda name: -self.flows[name])[:3]
        at_node = ", ".join(f"{self.flows[name]:,} {ENTRIES[name]}" for name in large)
        raise TooLarge(
            f"This solve needs about {self.mib:,.0f} MiB of memory, {self.least_mib:,.0f} MiB at least, and may hold "
            f"{limit_mib:,.0f} MiB. Its model has {self.variables:,} variables: {sum(self.flows.values()):,} at each "
            f"of {self.nodes:,} nodes, most of them for {at_node}. Fewer futures, and fewer or longer periods, make "
            "fewer nodes; fewer minerals, routes and cost steps make fewer variables at a node."
        )
