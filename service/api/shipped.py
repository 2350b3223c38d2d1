"""The shipped scenarios as they are sent: made once, kept compressed, each with a tag."""

from __future__ import annotations

import asyncio

from lodeplan.service.checking.checkers import Checkers
from lodeplan.service.checking.checks import ReadyText, shipped_scenario_text

TURN = " shipped scenarios"
"""Whose turn it is while one is made; no tenant has such a name."""


class ShippedScenarios:
    """Shipped scenarios by name; requests for one that is being made wait for it together."""

    def __init__(self, checkers: Checkers) -> None:
        self._checkers = checkers
        self._made: dict[str, asyncio.Task[ReadyText]] = {}

    async def find(self, name: str) -> ReadyText:
        """The scenario of this name; raises `InvalidInput` if none is shipped, or `ApiError` (503)."""
        making = self._made.get(name)
        if making is None:
            making = self._made[name] = asyncio.create_task(self._checkers.run(TURN, shipped_scenario_text, name))
            making.add_done_callback(lambda made: self._forget_failure(name, made))
        # Somebody else may wait for it when this client has left.
        return await asyncio.shield(making)

    def _forget_failure(self, name: str, made: asyncio.Task[ReadyText]) -> None:
        if made.cancelled() or made.exception():
            del self._made[name]
