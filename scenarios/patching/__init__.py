"""Changes to the raw data of a scenario, each at the places that a path means."""

from lodeplan.scenarios.patching.apply import LEFT_OUT, MAX_PATCHES, MAX_WORK, count_values, parse_set
from lodeplan.scenarios.patching.paths import Work

__all__ = ["LEFT_OUT", "MAX_PATCHES", "MAX_WORK", "Work", "count_values", "parse_set"]
