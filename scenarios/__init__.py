"""Scenarios shipped with Lodeplan, and the loader that reads them by name, file or folder.

`reading` makes one document of a source, `patching` changes it, `rules` finds what is wrong with the scenario in it and
`plausibility` warns of what may not be meant; `loader` and `validation` combine them. Folders of scenarios hold data
alone.
"""

from lodeplan.scenarios.loader import Source, load, load_text, read, read_as_far
from lodeplan.scenarios.options import check_options
from lodeplan.scenarios.patching import parse_set
from lodeplan.scenarios.reading.as_stored import read_as_stored
from lodeplan.scenarios.reading.catalogue import ShippedScenario, find_shipped, names
from lodeplan.scenarios.validation import validate

__all__ = [
    "ShippedScenario",
    "Source",
    "check_options",
    "find_shipped",
    "load",
    "load_text",
    "names",
    "parse_set",
    "read",
    "read_as_far",
    "read_as_stored",
    "validate",
]
