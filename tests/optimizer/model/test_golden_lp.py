"""Rows of each constraint in a scenario as small as can be, held against rows derived by hand from its equation."""

import re

import pytest
from golden_lps import FOLDER, lp_text

from lodeplan.optimizer.model.registry import registry

SENSES = {"negative or 0": {"<="}, "positive or 0": {">="}}
"""Of a row whose dual has this sign, where cost is least."""


@pytest.mark.parametrize("constraint", registry())
def test_the_rows_of_a_constraint_are_those_derived_by_hand(constraint: str) -> None:
    expected = (FOLDER / f"{constraint}.lp").read_text(encoding="utf-8")

    assert lp_text(constraint) == expected, "if this was meant, derive the rows again: see tests/helpers/golden_lps.py"


@pytest.mark.parametrize("constraint", registry())
def test_a_dual_has_the_sign_that_its_constraint_states(constraint: str) -> None:
    rows = (FOLDER / f"{constraint}.lp").read_text(encoding="utf-8")
    senses = set(re.findall(r"^  (<=|>=|=) ", rows, re.MULTILINE))
    dual = registry()[constraint].dual
    if "no meaning" in dual:
        return
    stated = next((sign for sign in SENSES if sign in dual), None)
    assert senses == (SENSES[stated] if stated else {"="})


def test_every_constraint_has_a_golden_file_and_every_file_its_constraint() -> None:
    for ending in ("lp", "yaml"):
        assert {path.stem for path in FOLDER.glob(f"*.{ending}")} == set(registry())
