"""A scenario of one metal that costs nothing, and a plan for it, which tests of single rules of the check extend."""

from __future__ import annotations

from check_plans import Data, Lists, Mutation, verdict_of


def tiny(*period_years: int) -> Data:
    """China sells metal, home wants 100 t/y of it; nothing costs anything, nothing is discounted."""
    return {
        "name": "tiny",
        "home": "USA",
        "horizon": {"first_year": 2026, "period_years": list(period_years or (1, 1))},
        "economics": {"discount_rate": 0},
        "commodities": {
            "ore": {"stage": "ore", "mineral_group": "metal"},
            "metal": {"stage": "refined", "mineral_group": "metal"},
            "scrap": {"stage": "scrap", "mineral_group": "metal"},
        },
        "places": {"USA": {}, "CHN": {}, "AUS": {"groups": ["allies"]}},
        "facilities": {"China": {"place": "CHN", "outputs": {"metal": 1}}},
        "projects": {},
        "routes": {"CHN-USA": {"commodity": "metal", "origin": "CHN", "destination": "USA"}},
        "demands": {
            "need": {
                "commodity": "metal",
                "tier": "other",
                "quantity_t_per_y": 100,
                "shortage_penalty_kusd_per_t": 50,
            }
        },
        "tariffs": {},
        "stockpiles": {},
        "recycling": {},
        "limits": {},
        "events": {},
        "futures": {},
    }


def tiny_plan(*period_years: int, cost_kusd: float = 0.0) -> Lists:
    """The base path, with nothing happening on it yet."""
    nodes: list[list[object]] = []
    year, parent = 2026, ""
    for length in period_years or (1, 1):
        nodes.append([str(year), parent, year, year - 2026, length, 1.0, 1.0, ""])
        year, parent = year + length, str(year)
    return {"nodes": nodes, "futures": [["as planned", 1.0, cost_kusd]]}


def bought(nodes: dict[str, float]) -> Lists:
    """t/y by node that China makes, that home buys, and that the demand `need` gets."""
    return {
        "run": [["China", 0, node, t] for node, t in nodes.items()],
        "ship": [["CHN-USA", "all", node, t] for node, t in nodes.items()],
        "serve": [["need", "itself", node, t] for node, t in nodes.items()],
    }


def assert_holds(data: Data, lists: Lists, objective_kusd: float | None = None) -> None:
    verdict = verdict_of(data, lists, objective_kusd)
    assert verdict.worst == []
    assert verdict.max_violation < 1e-9
    assert verdict.cost_difference_rel < 1e-9


def assert_said(data: Data, lists: Lists, words: str, objective_kusd: float | None = None) -> None:
    verdict = verdict_of(data, lists, objective_kusd)
    assert max(verdict.max_violation, verdict.cost_difference_rel) > 1e-4
    assert any(sentence.startswith(words) for sentence in verdict.worst), verdict.worst


def assert_broken(data: Data, lists: Lists, mutate: Mutation, words: str, objective_kusd: float | None = None) -> None:
    """Once changed, the plan breaks a rule, which is said so."""
    mutate(data, lists)
    assert_said(data, lists, words, objective_kusd)
