"""The page on gaps: its example runs, and it names every way in which a search with a plan may end."""

import doctest
import re

from folders import ROOT

from lodeplan.schemas import Solution, Summary, Termination
from lodeplan.service.cli.exits import Exit, exit_of

PAGE = ROOT / "docs/reference/gaps.md"


def test_its_example_does_what_it_says() -> None:
    found = doctest.testfile(str(PAGE), module_relative=False)
    assert (found.attempted, found.failed) == (4, 0)


def test_it_names_every_end_with_a_plan() -> None:
    named = set(re.findall(r"^\| `(\w+_limit|interrupted)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    ends = {end for end in Termination if exit_of(_ended(end)) is Exit.LIMIT_WITH_PLAN}
    assert named == {str(end) for end in ends}


def _ended(termination: Termination) -> Summary:
    return Summary(scenario="x", scenario_hash="0", termination=termination, solution=Solution.FEASIBLE)
