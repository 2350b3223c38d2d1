"""The page for modelers: its code does what it says."""

import doctest
from pathlib import Path

import pytest
from folders import ROOT

PAGE = ROOT / "docs" / "modeling.md"


def test_the_code_of_the_page_for_modelers_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = doctest.NORMALIZE_WHITESPACE
    found = doctest.testfile(str(PAGE), module_relative=False, optionflags=options)
    assert found.attempted > 20
    assert found.failed == 0
    assert (tmp_path / "toy.lp").stat().st_size > 1000
