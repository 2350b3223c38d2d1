"""The part of the page on validation about official studies."""

from __future__ import annotations

from lodeplan.schemas import Scenario
from tools.official import GALLIUM, GERMANIUM, SMALL, Risk, Shock, official, shortage_by_tier
from tools.pages import fact_rows, number, prose, share, table

SHOCKS = """In 2024 USGS estimated the effect of a complete stop of Chinese net exports of gallium and germanium, with
a model of world markets and an input-output table of the United States. Here the base year is solved without what
China sold to the United States. *Cost* is the extra cost of the year, including the worth of what is short. It is a
cost to users of the material, not a fall of gross domestic product.
"""
RANKING = f"""In 2025 USGS ranked 84 commodities by the fall of gross domestic product in one-year disruptions of
trade, weighted by their probability. The model answers the same question for the base year. Each country that sells
at least {SMALL:.0%} of a mineral's imports stops selling it for a year; the expected loss is the extra cost of the
year times the yearly rate at which such a stop begins (the facts on hazards), summed over countries. Magnets, anodes
and other products are left out. All else stays as observed: other countries sell what they can at rising prices, the
world price does not change, and refiners elsewhere keep their feed.
"""
TIERS = """The shortfalls of the National Defense Stockpile are public in total, but not by material. The model has no
war. The nearest case is the base year without any exports from China and without stocks.
"""
MILD = """A stop to the United States alone is mild here: China sells at most a quarter of its imports of either
metal, and others can sell more. USGS stops China's net exports to all countries, which leaves others short as well.
*Refiners short* comes nearer: it is an event of the plan in which refiners elsewhere that use Chinese crude metal
have less to sell. Where something is short, the worth is that of the demand given up. The model greatly understates a
stop of gallium and germanium: it does not count the industries that depend on the metal, and other sellers' prices
stay as they are unless an event changes them.
"""
SHAPE = """In both rankings a few minerals with one seller hold most of the risk. The rankings differ because the
model counts a shortage at a multiple of the material's price. So minerals that an industry uses by the gram but
cannot do without rank low (samarium, gallium, germanium), and large markets with one neighbour rank high (potash).
The multiples are assumptions, in `penalty_rule.csv` and `assumptions.csv`, and a planner can replace them.
"""


def shock_table(stops: list[Shock]) -> str:
    """The model's answer to the stop beside that of USGS."""
    studies = {"gallium": "gallium_stop_gdp", "germanium": "germanium_stop_gdp", "both": "both_stop_gdp"}
    lines = []
    for stop in stops:
        row = official(studies[stop.title]) if stop.title in studies else None
        lines.append(
            [
                stop.title,
                f"{row['value']} ({row['low']} to {row['high']}) billion" if row else "-",
                f"{stop.cost_musd:,.1f} million",
                _official_rise("gallium_stop_price", "more than ") if stop.title == "gallium" else "-",
                f"{stop.price_rise[GALLIUM]:+.0%}",
                _official_rise("germanium_stop_price", "") if stop.title == "germanium" else "-",
                f"{stop.price_rise[GERMANIUM]:+.0%}",
                number(sum(stop.shortage_t.values())) if stop.shortage_t else "0",
            ]
        )
    header = [
        "stopped",
        "USGS: fall of GDP, USD",
        "model: cost, USD",
        "gallium price, USGS",
        "gallium worth, model",
        "germanium price, USGS",
        "germanium worth, model",
        "short in the model, t",
    ]
    sources = "; ".join(sorted({official(key)["source"] for key in (*studies.values(), "gallium_stop_price")}))
    return f"{table(header, lines)}\n{MILD}\n{prose(f'Source: {sources}.')}"


def _official_rise(key: str, words: str) -> str:
    return f"{words}{float(official(key)['value']):+.0%}"


def official_ranks() -> list[str]:
    """The minerals USGS ranks first, in order."""
    rows = [row for row in fact_rows("official_results.csv") if row["key"].startswith("rank_")]
    return [row["minerals"] for row in sorted(rows, key=lambda row: int(row["value"]))]


def places(risks: list[Risk]) -> dict[str, int]:
    """Each mineral's rank in the model."""
    return {mineral: place for place, risk in enumerate(risks, start=1) for mineral in risk.minerals.split(", ")}


def ranking_table(risks: list[Risk]) -> str:
    """The first twenty of the model, and the ranks in it of the first ten of USGS."""
    ranked, ours = official_ranks(), places(risks)
    first = [
        [
            str(place),
            risk.minerals,
            f"{risk.expected_musd:,.1f}",
            risk.worst_country,
            f"{risk.worst_musd:,.0f}",
            ", ".join(str(ranked.index(m) + 1) for m in risk.minerals.split(", ") if m in ranked) or "-",
        ]
        for place, risk in enumerate(risks[:20], start=1)
    ]
    header = [
        "model's rank",
        "mineral",
        "expected loss, million USD/y",
        "country with the largest part",
        "loss of that stop, million USD",
    ]
    theirs = [[str(rank), mineral, str(ours[mineral])] for rank, mineral in enumerate(ranked, start=1)]
    total = sum(risk.expected_musd for risk in risks)
    top = sum(risk.expected_musd for risk in risks[:6]) / total
    line = (
        f"The model's first six hold {share(top)} of the expected loss of all {len(risks)} rows. In the USGS ranking, "
        "six minerals exceed 1 billion USD, and the first is near "
        f"{official('largest_weighted_loss')['value']} billion. Source: {official(f'rank_{ranked[0]}')['source']}."
    )
    return "\n".join(
        [
            table([*header, "rank at USGS"], first),
            table(["rank at USGS", "mineral", "rank in the model"], theirs),
            prose(line),
            SHAPE,
        ]
    )


def tier_table(base: Scenario, china: Shock) -> str:
    """Shortage by tier, and what the stockpile is said to cover."""
    short = shortage_by_tier(base, china)
    total = sum(short.values())
    lines = [
        [tier.replace("_", " "), f"{amount:,.0f}", share(amount / total) if total else "-", said]
        for (tier, amount), said in zip(short.items(), _covered(), strict=True)
    ]
    header = ["tier", "short in the model at base prices, million USD", "share", "covered by the stockpile, 2023"]
    gap = official("stockpile_gap")
    line = (
        f"In 2023 the shortfall of the stockpile was estimated at {gap['value']} billion USD, most of it civilian. "
        f"Here military need is {share(short['military'] / total if total else 0.0)} of what is short, because the "
        "model serves it first. The amounts cannot be compared, because the stockpile plans for years of war. Source: "
        f"{gap['source']}."
    )
    return f"{table(header, lines)}\n{prose(line)}"


def _covered() -> list[str]:
    military, civilian = (float(official(f"stockpile_{key}")["value"]) for key in ("military", "civilian"))
    return [f"less than {military:.0%}", f"less than {civilian:.0%}", "not planned for"]
