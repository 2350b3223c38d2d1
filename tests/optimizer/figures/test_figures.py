"""Figures: the layout of flows, and what each specification holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import get_args

import pandas as pd
import pytest
import vega_lite
from hypothesis import given
from hypothesis import strategies as st

from lodeplan import optimizer, scenarios
from lodeplan.optimizer import figures
from lodeplan.optimizer.check.costs import TERMS
from lodeplan.optimizer.figures.flows import group_flows
from lodeplan.optimizer.figures.layout import OTHERS, Flow, Key, lay_out, merge_small
from lodeplan.optimizer.figures.spec import colours
from lodeplan.optimizer.figures.stock_levels import AS_PLANNED, stock_points
from lodeplan.optimizer.words.numbers import amount, percent
from lodeplan.optimizer.words.titles import TERM_TITLES, TIER_TITLES
from lodeplan.schemas import Scenario
from lodeplan.schemas.entries import Tier

Tables = dict[str, pd.DataFrame]


def keys(column: int) -> st.SearchStrategy[Key]:
    return st.builds(
        Key, st.just(column), st.sampled_from(["import", "home", "shortage"]), st.sampled_from("abcdefghijkl")
    )


left_flows = st.builds(Flow, keys(0), keys(1), st.floats(1e-3, 1e6))
right_flows = st.builds(Flow, keys(1), keys(2), st.floats(1e-3, 1e6))
flow_lists = st.lists(left_flows | right_flows, min_size=1, max_size=40)


@given(flow_lists)
def test_a_box_is_as_high_as_the_larger_of_what_comes_in_and_goes_out(flows: list[Flow]) -> None:
    layout = lay_out(flows)
    widest = max(layout.ribbons, key=lambda ribbon: ribbon.height)
    scale = widest.height / widest.flow.t_per_y
    for ribbon in layout.ribbons:
        assert ribbon.height == pytest.approx(scale * ribbon.flow.t_per_y, abs=1e-9)
    for box in layout.boxes:
        out = sum(flow.t_per_y for flow in flows if flow.source == box.key)
        into = sum(flow.t_per_y for flow in flows if flow.target == box.key)
        assert box.t_per_y == pytest.approx(max(out, into))
        assert box.bottom - box.top == pytest.approx(scale * max(out, into), abs=1e-9)


@given(flow_lists)
def test_boxes_of_a_column_do_not_overlap_and_stay_in_the_picture(flows: list[Flow]) -> None:
    layout = lay_out(flows)
    for column in range(3):
        boxes = sorted((box for box in layout.boxes if box.key.column == column), key=lambda box: box.top)
        assert all(above.bottom < below.top for above, below in pairwise(boxes))
        assert all(-1e-9 <= box.top <= box.bottom <= 1 + 1e-9 for box in boxes)


@given(flow_lists)
def test_ribbons_stand_in_their_boxes_without_overlap(flows: list[Flow]) -> None:
    layout = lay_out(flows)
    boxes = {box.key: box for box in layout.boxes}
    for end, top in (("source", "source_top"), ("target", "target_top")):
        for key, box in boxes.items():
            ribbons = sorted(
                (ribbon for ribbon in layout.ribbons if getattr(ribbon.flow, end) == key),
                key=lambda ribbon: getattr(ribbon, top),
            )
            edges = [(getattr(ribbon, top), getattr(ribbon, top) + ribbon.height) for ribbon in ribbons]
            assert all(above[1] <= below[0] + 1e-9 for above, below in pairwise(edges))
            assert all(box.top - 1e-9 <= start and stop <= box.bottom + 1e-9 for start, stop in edges)


@given(flow_lists, st.randoms())
def test_the_layout_does_not_depend_on_the_order_of_the_flows(flows: list[Flow], random: Random) -> None:
    shuffled = list(flows)
    random.shuffle(shuffled)
    assert lay_out(shuffled) == lay_out(flows)


@given(flow_lists)
def test_merging_small_boxes_keeps_every_tonne_and_at_most_eight_and_the_others(flows: list[Flow]) -> None:
    merged = merge_small(flows, never=("shortage",))
    assert sum(flow.t_per_y for flow in merged) == pytest.approx(sum(flow.t_per_y for flow in flows))
    for column in range(3):
        ends = {key for flow in merged for key in (flow.source, flow.target) if key.column == column}
        counted = {key for key in ends if key.kind != "shortage" and key.name != OTHERS}
        assert len(counted) <= 8
        assert Key(column, "shortage", OTHERS) not in ends


def test_merging_keeps_the_largest_and_puts_the_others_last() -> None:
    commodity = Key(1, "commodity", "m")
    flows = [Flow(Key(0, "import", f"p{size:02}"), commodity, float(size)) for size in range(1, 12)]
    left = [box.key.name for box in lay_out(merge_small(flows)).boxes if box.key.column == 0]
    assert left == ["p11", "p10", "p09", "p08", "p07", "p06", "p05", "p04", OTHERS]


def test_no_flows_make_an_empty_layout() -> None:
    assert lay_out([]).boxes == []


@pytest.fixture(scope="module")
def toy() -> tuple[Scenario, optimizer.Plan]:
    return scenarios.load("golden-toy"), optimizer.solve("golden-toy")


@pytest.fixture(scope="module")
def specs(toy: tuple[Scenario, optimizer.Plan]) -> dict[str, figures.Spec]:
    scenario, plan = toy
    tables = dict(plan.tables)
    return {
        "flows": figures.flows(tables, scenario, "metal", 2),
        "stock_levels": figures.stock_levels(tables, scenario, "metal"),
        "cost_by_term": figures.cost_by_term(tables, scenario),
        "future_costs": figures.future_costs(tables, scenario, plan.summary),
    }


@pytest.mark.parametrize("name", ["flows", "stock_levels", "cost_by_term", "future_costs"])
def test_a_specification_is_plain_json_with_a_schema_a_description_and_marks(
    specs: dict[str, figures.Spec], name: str
) -> None:
    spec = json.loads(json.dumps(specs[name], allow_nan=False))
    assert spec["$schema"].endswith("/vega-lite/v6.json")
    assert spec["description"]
    assert spec["width"] == "container"
    leaves = [leaf for layer in spec["layer"] for leaf in layer.get("layer", [layer])]
    assert all("mark" in leaf for leaf in leaves)


@pytest.mark.parametrize("name", ["flows", "stock_levels", "cost_by_term", "future_costs"])
def test_vega_lite_accepts_a_specification(specs: dict[str, figures.Spec], name: str) -> None:
    convert = pytest.importorskip("vl_convert")
    svg = convert.vegalite_to_svg({**specs[name], "width": 600}, vl_version="6.4", allowed_base_urls=[])
    assert svg.startswith("<svg")
    assert "NaN" not in svg


@pytest.mark.parametrize("name", ["flows", "stock_levels", "cost_by_term"])
def test_a_colour_scale_lists_every_value_it_meets(specs: dict[str, figures.Spec], name: str) -> None:
    spec = specs[name]
    layer = spec["layer"][0]
    colour = layer["encoding"]["color"]
    values = layer.get("data", spec.get("data"))["values"]
    assert {value[colour["field"]] for value in values} <= set(colour["scale"]["domain"])
    assert len(colour["scale"]["domain"]) == len(colour["scale"]["range"])


def test_what_enters_a_commodity_leaves_it(toy: tuple[Scenario, optimizer.Plan]) -> None:
    _, plan = toy
    for year in (1, 2, 3, 4):
        flows = group_flows(dict(plan.tables), "metal", year)
        into = sum(flow.t_per_y for flow in flows if flow.target.column == 1)
        out = sum(flow.t_per_y for flow in flows if flow.source.column == 1)
        assert into == pytest.approx(out)
        assert into > 0


def test_the_flow_picture_shows_the_purchases_for_stock_before_the_ban(specs: dict[str, figures.Spec]) -> None:
    ribbons = {(value["from"], value["to"]): value["t_per_y"] for value in specs["flows"]["layer"][0]["data"]["values"]}
    assert ribbons == pytest.approx(
        {
            ("China", "metal/refined"): 200,
            ("metal/refined", "Essential civilian"): 80,
            ("metal/refined", "Military"): 20,
            ("metal/refined", "Into stock: store"): 100,
        }
    )


def test_a_shortage_is_a_source_and_a_use_so_that_both_sides_are_equal() -> None:
    supply = pd.DataFrame(
        [("m/x", "m", "refined", "import", "CHN", 2030, 60.0, 50.0)],
        columns=[
            "commodity",
            "mineral_group",
            "stage",
            "source_kind",
            "place",
            "year",
            "base_t_per_y",
            "expected_t_per_y",
        ],
    )
    uses = pd.DataFrame(
        [("m/x", "m", "demand", "military", 2030, 60.0, 50.0), ("m/x", "m", "shortage", "military", 2030, 40.0, 50.0)],
        columns=["commodity", "mineral_group", "use_kind", "name", "year", "base_t_per_y", "expected_t_per_y"],
    )
    nodes = pd.DataFrame([(2030, "")], columns=["period", "future"])
    flows = group_flows({"supply": supply, "uses": uses, "nodes": nodes}, "m", 2030)
    assert Flow(Key(0, "shortage", ""), Key(1, "commodity", "m/x"), 40.0) in flows
    assert sum(flow.t_per_y for flow in flows if flow.target.column == 1) == 100


def test_stock_lines_start_at_the_opening_stock_and_futures_where_they_depart(
    toy: tuple[Scenario, optimizer.Plan],
) -> None:
    scenario, plan = toy
    points = stock_points(dict(plan.tables), scenario, "metal")
    lines: dict[str, dict[int, float]] = {}
    for point in points:
        lines.setdefault(point["path"], {})[point["year"]] = point["stock_t"]
    assert lines == {
        AS_PLANNED: pytest.approx({0: 0, 1: 0, 2: 100, 3: 0, 4: 0}, abs=1e-6),
        "ban": pytest.approx({2: 100, 3: 50, 4: 0}, abs=1e-6),
    }


def test_bars_of_cost_add_up_to_the_expected_cost(
    toy: tuple[Scenario, optimizer.Plan], specs: dict[str, figures.Spec]
) -> None:
    _, plan = toy
    values = specs["cost_by_term"]["data"]["values"]
    assert sum(value["money"] for value in values) * 1000 == pytest.approx(plan.summary.expected_cost_kusd)
    assert [value["money"] for value in values] == sorted((value["money"] for value in values), reverse=True)


def test_in_the_national_view_a_duty_is_shown_as_not_counted(toy: tuple[Scenario, optimizer.Plan]) -> None:
    _, plan = toy
    national = scenarios.load("golden-toy", [{"op": "set", "path": "economics.view", "value": "national"}])
    kinds = {
        value["term"]: value["kind"] for value in figures.cost_by_term(dict(plan.tables), national)["data"]["values"]
    }
    assert kinds["Duty"] != kinds["Freight"]


def test_futures_show_their_cost_and_probability_the_dearest_first(specs: dict[str, figures.Spec]) -> None:
    values = [
        (value["future"], value["percent"], round(value["money"], 3))
        for value in specs["future_costs"]["data"]["values"]
    ]
    assert values == [("ban", "20 %", 5.32), ("calm", "80 %", 5.135)]


def test_every_term_and_every_tier_has_a_name_in_words() -> None:
    assert set(TERM_TITLES) == set(TERMS)
    assert set(TIER_TITLES) == set(get_args(Tier))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1e-9, "≈ 0"), (0.0123, "0.0123"), (12.345, "12.3"), (99.96, "100"), (1234567, "1,234,567"), (-7, "−7")],
)
def test_an_amount_has_about_three_digits(value: float, text: str) -> None:
    assert amount(value) == text


def test_a_share_is_read_in_per_cent() -> None:
    assert percent(0.00412) == "0.412 %"


def futures_table(count: int) -> Tables:
    rows = [(f"f{number}", 1 / count, 1000.0 * number) for number in range(count)]
    return {"futures": pd.DataFrame(rows, columns=["future", "probability", "cost_kusd"])}


def test_many_futures_make_a_curve_that_is_no_higher_for_more_of_them(toy: tuple[Scenario, optimizer.Plan]) -> None:
    scenario, plan = toy
    few, many, most = (figures.future_costs(futures_table(count), scenario, plan.summary) for count in (30, 100, 500))
    assert few["height"] == 900
    assert many["height"] == most["height"] < few["height"]
    reached = [(value["future"], value["as_dear"]) for value in many["data"]["values"]]
    assert reached[0] == ("f99", pytest.approx(0.01))
    assert reached[-1] == ("f0", pytest.approx(1))
    assert "100 futures" in many["usermeta"]["note"]


def two_alike(toy: Scenario) -> Scenario:
    """The toy with two futures of one title, which is also that of the base path."""
    entries = {name: entry.model_copy(update={"title": AS_PLANNED}) for name, entry in toy.futures.items()}
    return toy.model_copy(update={"futures": entries})


def test_futures_of_one_title_stay_apart(toy: tuple[Scenario, optimizer.Plan]) -> None:
    scenario, plan = toy
    tables = dict(plan.tables)
    values = figures.future_costs(tables, two_alike(scenario), plan.summary)["data"]["values"]
    assert [value["future"] for value in values] == ["Base path (ban)", "Base path (calm)"]
    paths = {point["path"] for point in stock_points(tables, two_alike(scenario), "metal")}
    assert paths == {"Base path", "Base path (ban)"}


def many_paths(count: int) -> Tables:
    """Nodes of a base path and of futures that depart from it at once, each with another stock in `store`."""
    nodes = [("1", "", 1, 1.0, ""), ("2", "1", 2, 1.0, "")]
    nodes += [(f"f{number}@2", "1", 2, 1.0, f"f{number}") for number in range(count)]
    store = [("store", f"f{number}@2", float(number)) for number in range(count)]
    return {
        "nodes": pd.DataFrame(nodes, columns=["node", "parent", "period", "length_y", "future"]),
        "store": pd.DataFrame(store, columns=["stockpile", "node", "stock_t"]),
    }


@pytest.mark.parametrize(("count", "left_out"), [(13, 0), (200, 187)])
def test_no_two_lines_of_stock_share_a_colour_and_the_least_different_are_left_out(
    toy: tuple[Scenario, optimizer.Plan], count: int, left_out: int
) -> None:
    spec = figures.stock_levels(many_paths(count + 1), toy[0], "metal")  # the first has the base path's stock
    scale = spec["layer"][0]["encoding"]["color"]["scale"]
    assert len(set(scale["range"])) == len(scale["domain"]) == 14
    assert {AS_PLANNED, f"f{count}"} <= set(scale["domain"])
    assert spec["height"] == 240
    assert (f"{left_out} more" in spec.get("usermeta", {}).get("note", "")) == (left_out > 0)


def test_a_colour_scale_is_never_empty_and_never_gives_a_colour_twice() -> None:
    for domain in ([], ["a", "b", "c"]):
        with pytest.raises(ValueError, match="colours"):
            colours(domain, ["red", "blue"])


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (lambda t, s: figures.flows(t, s, "metal", 9), "Nothing flows in 9: on the planned path metal is bought,"),
        (lambda t, s: figures.stock_levels(t, s, "gold"), "The scenario has no stockpile of gold."),
        (lambda t, s: figures.stock_levels(t | {"store": t["store"][:0]}, s, "metal"), "No stock of metal is held"),
        (lambda t, s: figures.cost_by_term(t | {"cost_terms": t["cost_terms"][:0]}, s), "The plan costs nothing"),
        (lambda t, s: figures.future_costs(t | {"futures": t["futures"][:0]}, s, None), "The plan has no futures"),
    ],
    ids=["flows", "no stockpile", "no stock", "no cost", "no futures"],
)
def test_a_figure_with_nothing_to_show_says_so(
    toy: tuple[Scenario, optimizer.Plan], spec: Callable[..., figures.Spec], sentence: str
) -> None:
    drawn = spec(dict(toy[1].tables), toy[0])
    assert drawn["usermeta"]["nothing"].startswith(sentence)
    assert drawn["height"] < 50
    assert vega_lite.faults(drawn) == []


def test_flows_beyond_the_base_path_are_means_of_what_is_left_of_it_and_the_figure_says_so() -> None:
    certain = [
        {"op": "set", "path": "futures.calm.probability", "value": 0.0},
        {"op": "set", "path": "futures.ban.probability", "value": 1.0},
    ]
    plan = optimizer.solve("golden-toy", certain)
    scenario = plan.scenario
    assert scenario
    before, after = (figures.flows(dict(plan.tables), scenario, "metal", year) for year in (2, 4))
    assert "usermeta" not in before
    assert after["usermeta"]["note"].startswith("Some future has come by then for certain")
    used = sum(flow.t_per_y for flow in group_flows(dict(plan.tables), "metal", 4) if flow.target.column == 2)
    assert used > 0
