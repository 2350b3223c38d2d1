"""The page on OWASP ASVS: every requirement of levels 1 and 2 has one verdict, and the sums are right."""

import re
from collections import Counter
from collections.abc import Iterator

from folders import ROOT

PAGE = (ROOT / "docs/reference/asvs.md").read_text(encoding="utf-8")
VERDICTS = {"met", "in part", "not met", "operator", "does not apply"}
# How many requirements of levels 1 and 2 each section has; their numbers begin at 1 and have no gaps.
SECTIONS = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1, "3.2": 2, "3.3": 4,
    "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4, "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3,
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5,
    "7.5": 2, "7.6": 2, "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4,
    "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1,
    "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5, "14.1": 2, "14.2": 4, "14.3": 3,
    "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4,
    "17.3": 2,
}  # fmt: skip
ALL = [f"{section}.{number}" for section, count in SECTIONS.items() for number in range(1, count + 1)]


def verdicts() -> Iterator[tuple[str, str]]:
    """Number and verdict of each requirement on the page."""
    for numbers, verdict in re.findall(r"^\| (\d+\.\d+\.\d.*?) \| (.+?) \|", PAGE, re.MULTILINE):
        for part in numbers.split(", "):
            first, _, last = part.partition(" to ")
            begin = ALL.index(first)
            for number in ALL[begin : ALL.index(last or first) + 1]:
                yield number, verdict


def test_every_requirement_has_one_verdict() -> None:
    assert len(ALL) == 253
    found = list(verdicts())
    assert Counter(number for number, _ in found) == Counter(ALL)
    assert {verdict for _, verdict in found} == VERDICTS


def test_the_sums_are_right() -> None:
    counts = Counter(verdict for _, verdict in verdicts())
    told = dict(re.findall(r"^\| \*\*(.+?)\*\*.*? \| (\d+) \|$", PAGE, re.MULTILINE))
    assert told == {verdict: str(count) for verdict, count in counts.items()}
