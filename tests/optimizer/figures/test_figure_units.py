"""A figure says the unit of the numbers it shows."""

from collections.abc import Iterator
from typing import Any

import pytest
from solved import solved

from lodeplan.optimizer import figures
from lodeplan.optimizer.figures import FigureName


def spec_of(name: FigureName) -> dict[str, Any]:
    plan = solved("golden-toy")
    return figures.draw(name, plan, figures.telling_group(plan), figures.years(plan)[0])


def parts(spec: Any) -> Iterator[dict[str, Any]]:
    """All mappings in a specification."""
    if isinstance(spec, dict):
        yield spec
        spec = list(spec.values())
    for part in spec if isinstance(spec, list) else ():
        yield from parts(part)


def titles(spec: dict[str, Any], field: str) -> set[str]:
    """What axes and tooltips call a field."""
    return {part["title"] for part in parts(spec) if part.get("field") == field and part.get("title")}


def largest(spec: dict[str, Any], field: str) -> float:
    return max(part[field] for part in parts(spec) if isinstance(part.get(field), float))


def test_stocks_are_shown_in_tonnes() -> None:
    spec = spec_of(FigureName.STOCK_LEVELS)
    assert titles(spec, "stock_t") == {"Stock, t"}
    assert largest(spec, "stock_t") == 100


def test_flows_are_shown_in_tonnes_a_year() -> None:
    spec = spec_of(FigureName.FLOWS)
    assert titles(spec, "t_per_y") == {"t/y"}
    assert largest(spec, "t_per_y") == 100


def test_costs_of_futures_are_shown_in_the_million_dollars_that_their_axis_says() -> None:
    spec = spec_of(FigureName.FUTURE_COSTS)
    assert {title for title in titles(spec, "money") if "," in title} == {
        "Cost over the horizon, discounted, million USD",
        "Cost, million USD",
    }
    assert largest(spec, "money") == pytest.approx(5.31987, abs=1e-4)
