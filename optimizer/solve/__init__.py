"""Pyomo to HiGHS and back: hand-off in canonical units, progress, stop, and a final LP for flows and duals."""

from optimizer.solve.search import Answer, Control, search

__all__ = ["Answer", "Control", "search"]
