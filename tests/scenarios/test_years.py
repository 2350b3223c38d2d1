"""Years that nobody means are asked about, wherever a scenario has years."""

from typing import Any

import pytest
from test_warnings import Patch, put, small

from lodeplan import scenarios
from lodeplan.scenarios.validation import find_warnings

QUANTITY = "demands.user.quantity_t_per_y"
MEASURE = {"programme": "x", "commodities": ["metal"], "rate_share": 0.1}


def unlikely(patches: list[Patch]) -> dict[str, Any]:
    """By path, what the question offers."""
    found = find_warnings(scenarios.load(small(), patches)).open
    return {warning.path: warning.remedy for warning in found if warning.code == "unlikely_year"}


ASKED: list[tuple[Patch, dict[str, str]]] = [
    (
        put(QUANTITY, {26: 50, 27: 80}),
        {f"{QUANTITY}.26": "Did you mean `2026`?", f"{QUANTITY}.27": "Did you mean `2027`?"},
    ),
    (put(QUANTITY, {2026: 50, 206: 80}), {f"{QUANTITY}.206": "Did you mean `2026`?"}),
    (put(QUANTITY, {2026: 50, 2207: 80}), {f"{QUANTITY}.2207": "Did you mean `2027`?"}),
    (put(QUANTITY, {2026: 50, 2072: 80}), {f"{QUANTITY}.2072": "Did you mean `2027`?"}),
    (put("tariffs.duty.rate_share", {2026: 0.2, 2082: 0.3}), {"tariffs.duty.rate_share.2082": "`2028`"}),
    (put("tariffs.duty.onset", 26), {"tariffs.duty.onset": "Did you mean `2026`?"}),
    (put("tariffs.duty.until", "2207-06-01"), {"tariffs.duty.until": "Did you mean `2027`?"}),
    (put("places.CHN.memberships.club", {"onset": 202}), {"places.CHN.memberships.club.onset": "`202"}),
    (put("events.ban.until", 2208), {"events.ban.until": "Did you mean `2028`?"}),
    (put("projects.first.earliest_start", 27), {"projects.first.earliest_start": "Did you mean `2027`?"}),
    (
        put("routes.'metal CHN'.onboarding", {"lead_years": 1, "cost_kusd": 1, "earliest": 207}),
        {"routes.'metal CHN'.onboarding.earliest": "`2027`"},
    ),
]


@pytest.mark.parametrize(("patch", "wanted"), ASKED)
def test_a_year_that_nobody_means_is_asked_about_with_the_one_that_may_be_meant(
    patch: Patch, wanted: dict[str, str]
) -> None:
    found = unlikely([patch])
    assert found.keys() == wanted.keys()
    for path, words in wanted.items():
        assert words in found[path]


@pytest.mark.parametrize(
    "patch",
    [
        put(QUANTITY, {1996: 40, 2026: 50}),
        put(QUANTITY, {2026: 50, 2029: 51, 2030: 52, 2035: 53, 2040: 54}),
        put("tariffs.duty.onset", "1930-06-17"),
        put("tariffs.duty.until", 2099),
        put("tariffs.duty.until", "9998-12-31"),
        put("tariffs.mfn", {**MEASURE, "until": 2029}),
        put("projects.first.earliest_start", 2020),
    ],
)
def test_a_year_long_ago_and_numbers_that_go_on_after_the_horizon_are_not_asked_about(patch: Patch) -> None:
    assert unlikely([patch]) == {}


def test_a_horizon_of_years_without_a_century_has_no_unlikely_years() -> None:
    data = small()
    data["horizon"] = {"first_year": 1, "period_years": [1, 1, 1, 1]}
    data.pop("events")
    data.pop("futures")
    data["demands"]["user"]["quantity_t_per_y"] = {1: 50, 3: 60}
    assert [warning.code for warning in find_warnings(scenarios.load(data)).open] == []
