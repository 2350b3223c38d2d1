"""Names given to futures and events that no planner wrote."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from lodeplan.schemas.problems import InputProblem, InvalidInput, join_path

MAX_LETTERS = 120
"""Of a name in a scenario."""


def refuse_names(collection: str, known: Collection[str], new: Iterable[str], remedy: str) -> None:
    """Raise `InvalidInput` for new names of a collection that are known, given twice or too long."""
    seen = set(known)
    problems = []
    for name in new:
        path = join_path([collection, name])
        if name in seen:
            message = "this name is needed for an entry that is written out, but it is taken."
            allowed = "a name that no other entry has"
            problems.append(
                InputProblem(code="name_taken", path=path, message=message, value=name, allowed=allowed, remedy=remedy)
            )
        elif len(name) > MAX_LETTERS:
            message = f"the name of an entry to be written out has {len(name)} characters."
            allowed = f"at most {MAX_LETTERS}"
            problems.append(
                InputProblem(code="name_too_long", path=path, message=message, allowed=allowed, remedy=remedy)
            )
        seen.add(name)
    if problems:
        raise InvalidInput(problems)
