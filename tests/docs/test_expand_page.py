"""The page on futures shows what is really found."""

from __future__ import annotations

import doctest

from folders import ROOT


def test_the_page_on_futures_shows_what_is_really_found() -> None:
    page = ROOT / "docs" / "reference" / "futures.md"
    result = doctest.testfile(str(page), module_relative=False)
    assert result.attempted > 10
    assert result.failed == 0
