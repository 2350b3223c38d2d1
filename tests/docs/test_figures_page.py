"""The page on figures: its example runs, and it names what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import vega_lite
from folders import ROOT

from lodeplan.optimizer import figures
from lodeplan.optimizer.figures.future_costs import MOST_NAMED
from lodeplan.optimizer.figures.spec import SERIES

PAGE = (ROOT / "docs/reference/figures.md").read_text(encoding="utf-8")


def test_its_example_writes_every_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"^```python\n(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    exec(compile(example, "figures.md", "exec"), {})
    said = dict(line.split(" ", 1) for line in capsys.readouterr().out.splitlines())
    assert set(said) == set(figures.FigureName)
    assert all(words.endswith("drawn") for words in said.values())
    for name in figures.FigureName:
        assert vega_lite.faults(json.loads((tmp_path / f"{name}.json").read_text())) == []


def test_it_has_a_row_and_an_address_for_each_figure() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(figures.FigureName)
    found = re.findall(r"^/runs/ID/figures/(\w+)\.json(\S*)$", PAGE, re.MULTILINE)
    assert [name for name, _ in found] == list(figures.FigureName)
    for name, query in found:
        assert ("group=" in query, "year=" in query) == (
            figures.FigureName(name).by_group,
            figures.FigureName(name).by_year,
        )


def test_its_limits_are_those_that_are_kept() -> None:
    assert f"each of {len(SERIES)} lines: the base path and the {len(SERIES) - 1} futures" in PAGE
    assert f"names up to {MOST_NAMED} futures" in PAGE
