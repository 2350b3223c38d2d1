"""Actions after a commit; they do not happen if the transaction is rolled back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

_KEY = "once committed"


def once_committed(session: Session, function: Callable[..., None], *arguments: Any) -> None:
    """Call the function after the session's transaction has committed."""
    session.info.setdefault(_KEY, []).append((function, arguments))


@event.listens_for(Session, "after_commit")
def _call(session: Session) -> None:
    for function, arguments in session.info.pop(_KEY, ()):
        function(*arguments)


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop(_KEY, None)
