"""Scenarios shipped with Lodeplan, and the loader that reads them by name, file or folder.

`reading` makes one document of a source, `patching` changes it, `rules` finds what is wrong with the scenario in it and
`plausibility` warns of what may not be meant; `loader` and `validation` combine them. Folders of scenarios hold data
alone.
"""

from lodeplan.scenarios.loader import load, load_text, read, read_as_far
from lodeplan.scenarios.patching.apply import parse_set
from lodeplan.scenarios.reading.catalogue import ShippedScenario, names
from lodeplan.scenarios.validation import validate

__all__ = ["ShippedScenario", "load", "load_text", "names", "parse_set", "read", "read_as_far", "validate"]
