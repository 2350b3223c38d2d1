"""Projects in the scenario's units from capacities and costs as their sources print them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

Row = Mapping[str, str]
Table = list[dict[str, str]]

FAST_EXTRA_SHARE = 0.03
"""Extra cost of a fast track, share of capex: more consultants, redesign, higher risk of litigation."""
FAST_SLOTS = 1
SPENDING = {1: "1", 2: "0.4; 0.6", 3: "0.2; 0.45; 0.35", 4: "0.1; 0.25; 0.4; 0.25", 5: "0.05; 0.15; 0.3; 0.3; 0.2"}
"""Share of capex by year from the start, by years from start to output, rounded up; five for all that take longer."""


def project_tables(facts: Sequence[Row]) -> dict[str, Table]:
    """`projects.csv` and its provenance, from `facts/policy_projects.csv`."""
    return {
        "projects.csv": [_project(fact) for fact in facts],
        "provenance.projects.csv": [row for fact in facts for row in _sources(fact)],
    }


def _project(fact: Row) -> dict[str, str]:
    capex_kusd = float(fact["capex_musd"]) * 1000
    lead = float(fact["permit_years"]) + float(fact["construction_years"])
    fast = bool(fact["fast_permit_years"])
    return {
        "name": fact["name"],
        "title": fact["title"],
        "place": "USA",
        "outputs": fact["outputs"],
        "inputs": fact["inputs"],
        "capacity_t_per_y": _contained(fact["capacity"], float(fact["contained_per_unit"])),
        "cost_kusd_per_t": fact["cost_kusd_per_t"],
        "capex_kusd": _text(capex_kusd),
        "capex_spending_share": SPENDING[min(max(ceil(lead), 1), max(SPENDING))],
        "life_years": fact["life_years"],
        "tracks.standard.permit_years": fact["permit_years"],
        "tracks.standard.construction_years": fact["construction_years"],
        "tracks.fast_track.permit_years": fact["fast_permit_years"],
        "tracks.fast_track.construction_years": fact["construction_years"] if fast else "",
        "tracks.fast_track.extra_cost_kusd": _text(capex_kusd * FAST_EXTRA_SHARE) if fast else "",
        "tracks.fast_track.permit_slots": str(FAST_SLOTS) if fast else "",
        "ramp_up_share": fact["ramp_up_share"],
        "earliest_start": "" if fact["committed_start"] else fact["earliest_start"],
        "start_in_branches": fact["start_in_branches"],
        "committed_start": fact["committed_start"],
        "requires": fact["requires"],
        "excludes": fact["excludes"],
        "federal_land": fact["federal_land"],
        "note": fact["note"],
    }


def _contained(capacity: str, share: float) -> str:
    """Capacity in t contained, a number or numbers by year."""
    pairs = [part.partition("=") for part in capacity.split(";")]
    if len(pairs) == 1:
        return _text(float(capacity) * share)
    return "; ".join(f"{year.strip()}={_text(float(amount) * share)}" for year, _, amount in pairs)


def _sources(fact: Row) -> Table:
    """Where the numbers of a project come from."""
    name = fact["name"]
    rows = [
        _ranged(fact, "capacity", "capacity_t_per_y"),
        _ranged(fact, "capex", "capex_kusd"),
        _ranged(fact, "cost", "cost_kusd_per_t"),
        _judged(name, "tracks.*", fact["time_source"], ("0.7", "1.8")),
        _judged(name, "life_years", fact["life_source"], ("0.6", "1.5")),
    ]
    if fact["recipe_source"] != "Own product":
        sides = [side for side in ("outputs", "inputs") if fact[side]]
        rows += [_judged(name, side, fact["recipe_source"], ("0.8", "1.2")) for side in sides]
    return rows


def _ranged(fact: Row, column: str, field: str) -> dict[str, str]:
    """A number with its own columns for kind, source, year and range; the range multiplies it."""
    cells = {key: fact[f"{column}_{key}"] for key in ("kind", "source", "year", "low", "high")}
    return _source(fact["name"], field, **cells, range_is_factor="true" if cells["low"] else "")


def _judged(name: str, field: str, source: str, factors: tuple[str, str]) -> dict[str, str]:
    """A number whose source says itself whether it is assumed; then its range as factors."""
    if not source.startswith("Assumed"):
        return _source(name, field, kind="derived", source=source)
    low, high = factors
    return _source(name, field, kind="assumed", source=source, low=low, high=high, range_is_factor="true")


def _source(name: str, field: str, **cells: str) -> dict[str, str]:
    blank = dict.fromkeys(("kind", "source", "year", "low", "high", "range_is_factor"), "")
    return {"table": "projects", "name": name, "field": field, **blank, **cells}


def _text(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
