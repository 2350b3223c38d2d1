"""The independent check: judges a plan from its scenario and its tables alone.

It recomputes, by the words of `docs/reference/conventions.md`, everything the optimizer computed, and shares no code
with it. One module a chapter: `periods`, `tree`, `selections`, `availability`, `steps`, `duty`, `projects`, gathered in
`case`; `plan` reads the tables; `flows`, `stocks`, `decisions` and `limits` hold the rows; `costs` the money; `ledger`
collects what is found; `verdict` puts it together.
"""

from lodeplan.optimizer.check.verdict import check

__all__ = ["check"]
