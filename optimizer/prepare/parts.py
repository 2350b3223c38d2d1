"""The parts of an instance that limits are put on."""

from __future__ import annotations

from dataclasses import dataclass

from lodeplan.optimizer.prepare.demands import Demands
from lodeplan.optimizer.prepare.projects import Programme
from lodeplan.optimizer.prepare.stocks import Stocks
from lodeplan.optimizer.prepare.supply import Supply
from lodeplan.optimizer.prepare.trade import Trade


@dataclass(frozen=True)
class Parts:
    """All of an instance but its tree, its content and its limits."""

    supply: Supply
    trade: Trade
    programme: Programme
    stocks: Stocks
    demands: Demands
