"""Scenario to instance: the tree, duties, cost steps and futures as frozen arrays in canonical units."""

from lodeplan.optimizer.prepare.instance import Instance, prepare

__all__ = ["Instance", "prepare"]
