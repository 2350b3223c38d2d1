"""The base year's part of the page on validation: tables of what is published beside what the model has."""

from __future__ import annotations

from collections.abc import Iterable

from tools.observed import EXTRA_DUTY, Compared, Difference, Imports, term_size
from tools.pages import fact_rows, number, share, table
from tools.us_2026_build.fact_tables import Facts
from tools.us_2026_build.market import Market

BY_HAND = (
    "graphite/flake",
    "antimony/metal",
    "cobalt/refined",
    "copper/refined",
    "aluminum/unwrought",
    "zinc/metal",
    "tin/metal",
    "niobium/ferro",
    "platinum/metal",
    "bismuth/metal",
)
"""Ten minerals whose reliance and largest supplier are both published for the commodity as the model counts it."""
SIGNS = {"equal": "", "above": ">", "below": "<"}
"""Signs of a reliance that is published as a bound."""

BY_HAND_TEXT = """The published figures are in the named chapter of Mineral Commodity Summaries 2026: net import
reliance of 2024 under *Salient Statistics*, and the supplier's share under *Import Sources (2021-24)*. The model's
figures are those of the solved base year: imports less exports over imports less exports plus home output, and
imports by country. The model spreads the shares of small other sources, up to 5 %, over the named ones, so a share
may be a few points higher.
"""
VOLUMES = """Apparent consumption is imports plus home output less exports; net import reliance is imports less
exports over that. `E` is a net exporter. A reliance that is published as a bound has its sign; `<0%` means that USGS
calls the country a net exporter. A dash means that the figure is not published or withheld, or that nothing is
imported.
"""
PRICES = """The published price is the market price abroad, and an input of the model. *Landed* is what freight, duty
and the customs values of the sources add to it. *Worth* is the model's answer, the dual of the home balance: in the
base year, for what is imported, it lies between the landed price and the next step of supply. Output and capacity are
those of the named sources whose output is published. The rest of the world is not in the model, because it does not
sell to the United States.
"""
EXPLAINED = """*Share without term* is the share of the largest supplier without calibration. *Price* is the worth of
one more tonne at home beside the published price abroad. *World output* is the output of named sources beside their
capacity in the model.
"""
CALIBRATION = f"""A model that minimises cost at flat prices buys everything from the cheapest seller; real trade does
not. Each route therefore carries a calibration term: the market's landed price less the source's own landed cost at
its observed volume (price, freight and duty of 2024). The market's landed price is the mean over sources by volume,
so the terms of a commodity have both signs and add to zero over the observed flows: they move no money in the base
year. With the terms the model repeats the observed pattern by construction, which proves nothing. So the table shows

- the imports of 2024 by largest sources: as *observed*, in the plan *with* the terms, and in the plan *without* them;
- *moved without*: the share of imports that the plan without the terms takes from other sources than observed;
- the *term* as a share of landed cost: the mean of its size over sources by volume, and its largest size;
- the effect of a further duty of {EXTRA_DUTY:.0%} on the largest country, with and without the terms: its share
  before and after, and how much imports fall (home output or shortage replaces them).

Without the terms, only rising supply prices keep the pattern: a source sells at its price up to the observed volume,
and at rising prices beyond it. What a duty moves depends on the assumed elasticities, not on the terms alone. It
moves in jumps, because a source has one or two price steps beyond its observed volume.
"""


def explanations() -> dict[tuple[str, str], str]:
    """Reasons why a figure is off, by commodity and figure."""
    return {(row["commodity"], row["figure"]): row["note"] for row in fact_rows("validation_notes.csv")}


def check_notes(differences: Iterable[Difference], notes: dict[tuple[str, str], str]) -> None:
    """Raises `ValueError` that names each difference without a note."""
    missing = [f"{item.commodity} {item.figure}" for item in differences if (item.commodity, item.figure) not in notes]
    if missing:
        raise ValueError(f"no note in facts/validation_notes.csv for: {'; '.join(missing)}")


def by_hand(facts: Facts, rows: list[Compared]) -> str:
    """Reliance and the largest supplier's share of ten minerals."""
    chapters = {row.commodity: row.source.split(",")[-1].strip() for row in facts.reliance}
    lines = [
        [
            row.commodity,
            chapters[row.commodity],
            share(row.reliance[0]),
            share(row.reliance[1]),
            row.largest,
            share(row.largest_share[0]),
            share(row.largest_share[1]),
        ]
        for row in rows
        if row.commodity in BY_HAND
    ]
    header = [
        "commodity",
        "chapter",
        "reliance published",
        "reliance, model",
        "largest supplier",
        "share published",
        "share, model",
    ]
    return f"{BY_HAND_TEXT}\n{table(header, lines)}"


def volumes(rows: list[Compared]) -> str:
    """Consumption, reliance and the largest supplier's share, published and modelled."""
    lines = [
        [
            row.commodity,
            number(row.consumption[0]),
            number(row.consumption[1]),
            f"{SIGNS[row.bound] if row.reliance[0] is not None else ''}{share(row.reliance[0])}",
            _reliance(row.reliance[1]),
            _reliance(row.reliance[2]),
            row.largest or "-",
            share(row.largest_share[0]),
            share(row.largest_share[1]) if row.largest else "-",
            share(row.largest_share[2]) if row.largest else "-",
        ]
        for row in rows
    ]
    header = [
        "commodity",
        "apparent consumption published, t",
        "model, t",
        "net import reliance published",
        "model, with term",
        "without",
        "largest supplier",
        "share published",
        "with term",
        "without",
    ]
    return f"{VOLUMES}\n{table(header, lines)}"


def _reliance(value: float | None) -> str:
    return "E" if value is None or value < 0 else share(value)


def prices(rows: list[Compared], base_market: Market) -> str:
    """Prices, published and modelled, and output abroad beside capacity."""
    lines = []
    for row in rows:
        published, with_term, without = row.price
        output, capacity = row.world_output
        lines.append(
            [
                row.commodity,
                number(published),
                _build_up(base_market, row.commodity, published),
                number(with_term),
                number(without),
                f"{with_term / published - 1:+.0%}",
                number(output),
                number(capacity),
                number(row.world_total),
                share(output / row.world_total) if output and row.world_total else "-",
            ]
        )
    header = [
        "commodity",
        "price published, kUSD/t",
        "landed: freight, duty, customs values",
        "worth of one more tonne at home, with term",
        "without",
        "difference",
        "output of named sources published, t",
        "capacity in the model, t",
        "world output published, t",
        "share of named sources",
    ]
    return f"{PRICES}\n{table(header, lines)}"


def _build_up(base_market: Market, commodity: str, price: float) -> str:
    """Freight, duty and customs values over the published price, as means by volume."""
    sources = [source for source in base_market.sources if source.commodity == commodity]
    if not sources:
        return "-"
    volume = sum(source.observed_t_per_y for source in sources)
    parts = [
        sum(source.observed_t_per_y * value for source, value in zip(sources, values, strict=True)) / volume / price
        for values in (
            [source.freight_kusd_per_t for source in sources],
            [base_market.duty_kusd_per_t[source.name] for source in sources],
            [source.price_kusd_per_t - price for source in sources],
        )
    ]
    return ", ".join(f"{part + 0.0:+.1%}" if abs(part) >= 0.0005 else "0" for part in parts)


def explained(differences: list[Difference], notes: dict[tuple[str, str], str]) -> str:
    """Each difference and why."""
    lines = [
        [
            item.commodity,
            item.figure,
            _shown(item.figure, item.published),
            _shown(item.figure, item.model),
            notes[item.commodity, item.figure],
        ]
        for item in differences
    ]
    return table(["commodity", "figure", "published", "model", "why"], lines)


def _shown(figure: str, value: float) -> str:
    return share(value) if figure.startswith(("share", "reliance")) else number(value)


def calibration(base_market: Market, found: tuple[Imports, Imports, Imports], dutied: list[Imports]) -> str:
    """The pattern of imports, the terms, and what a further duty moves."""
    observed, *plans = found
    lines = []
    for commodity in observed.t_per_y:
        largest = observed.largest_country(commodity)
        mean, size = term_size(base_market, commodity)
        lines.append(
            [
                commodity,
                *(_three_largest(imports, observed, commodity) for imports in found),
                share(observed.distance(plans[1], commodity)),
                f"{mean:.1%}, {size:.1%}",
                *(_moved(before, after, commodity, largest) for before, after in zip(plans, dutied, strict=True)),
            ]
        )
    header = [
        "commodity",
        "observed",
        "with term",
        "without term",
        "moved without",
        "term: mean, largest",
        "largest country under a further duty, with term",
        "the same without",
    ]
    return table(header, lines)


def _three_largest(imports: Imports, observed: Imports, commodity: str) -> str:
    ranked = sorted(observed.t_per_y[commodity].items(), key=lambda item: -item[1])[:3]
    return ", ".join(f"{short_name(place)} {share(imports.share(commodity, place))}" for place, _ in ranked)


def short_name(place: str) -> str:
    """`others` for a region of small sources."""
    return "others" if place.endswith("others") else place


def _moved(before: Imports, after: Imports, commodity: str, largest: str) -> str:
    """Share of the largest source before and after the further duty, and the change of all imports."""
    shares = f"{share(before.share(commodity, largest))} to {share(after.share(commodity, largest))}"
    change = after.total(commodity) / before.total(commodity) - 1 if before.total(commodity) else 0.0
    return shares if abs(change) < 0.005 else f"{shares}, imports {change:+.0%}"
