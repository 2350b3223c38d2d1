"""Scenarios shipped with Lodeplan, and the loader that reads them by name, file or folder."""

from lodeplan.scenarios.loader import load, load_text, read, read_as_far
from lodeplan.scenarios.patching.apply import parse_set
from lodeplan.scenarios.reading.catalogue import ShippedScenario, names
from lodeplan.scenarios.validation import validate

__all__ = ["ShippedScenario", "load", "load_text", "names", "parse_set", "read", "read_as_far", "validate"]
