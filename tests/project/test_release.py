"""What belongs to a release says the same: changelog, version, citation, and the tables that it can go back to."""

import re
import tomllib
from datetime import date

from folders import ROOT
from ruamel.yaml import YAML

from lodeplan.service.storage.going_back import RELEASES

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
RELEASED = re.findall(r"^## (\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)$", CHANGELOG, re.MULTILINE)
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def test_the_changelog_has_a_dated_part_for_each_release_newest_first() -> None:
    titles = re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)
    assert [title for title in titles if title != "Unreleased"] == [f"{version} ({day})" for version, day in RELEASED]
    assert "Unreleased" not in titles[1:]
    versions = [tuple(map(int, version.split("."))) for version, _ in RELEASED]
    assert versions == sorted(set(versions), reverse=True)
    days = [date.fromisoformat(day) for _, day in RELEASED]
    assert days == sorted(days, reverse=True)
    assert RELEASED[0][0] == VERSION


def test_every_release_but_the_first_says_how_to_upgrade() -> None:
    parts = re.split(r"^## .+$", CHANGELOG, flags=re.MULTILINE)
    parts = parts[-len(RELEASED) : -1]
    assert len(parts) == len(RELEASED) - 1
    assert all("\n### Upgrading\n" in part for part in parts)


def test_no_line_of_the_changelog_is_there_twice() -> None:
    """Sides of a merge may both be kept."""
    first_lines = [line for line in CHANGELOG.splitlines() if line.startswith("- ")]
    assert [line for line in first_lines if first_lines.count(line) > 1] == []


def test_there_is_a_way_back_to_every_earlier_release() -> None:
    assert [*RELEASES] == [version for version, _ in reversed(RELEASED[1:])]


def test_the_citation_names_this_release() -> None:
    citation = YAML(typ="safe").load(ROOT / "CITATION.cff")
    assert {"cff-version", "message", "title", "type", "authors", "license"} <= set(citation)
    assert (citation["version"], str(citation["date-released"])) == RELEASED[0]


def test_the_security_policy_invents_no_address() -> None:
    policy = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert not re.search(r"\S@\S|https?:", policy)
    assert "Report a vulnerability" in policy
