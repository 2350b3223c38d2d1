"""The part of the page on validation about years held out."""

from __future__ import annotations

from collections.abc import Iterable

from tools.held_out import STAY, BanTest, Forecast
from tools.pages import fact_rows, number, share, table
from tools.us_2026_build.fact_tables import BASE_YEAR, Facts
from tools.validation_base import SIGNS, short_name

HELD_OUT = """For lithium chemicals, natural graphite and cobalt, trade by partner and year is public in codes that
hold little but the commodity (CEPII, BACI). The base scenario is built again by the same rules from the facts of 2021
to 2023 (shares and customs values by partner, volumes, market price), then given total demand and the market price of
2024, and solved. The model's second forecast also knows each partner's customs value of 2024. The tables show simple
rules beside them. *Mean error* is the mean over partners of the difference of shares, in points; *misplaced* is the
share of imports that a forecast puts with the wrong partner.

Duties are those of 2024 throughout, as in every base year of the build, so this does not test the response to duties.
Two things are not held out: elasticities, reach and freight are judgements of people who could know 2024, and
capacities abroad use output up to 2025. Three commodities and one year prove little either way.
"""
BANS = """China stopped exports of gallium, germanium and antimony to the United States from 3 December 2024 to 8
November 2025. Before that, it required licences: for gallium and germanium from August 2023, and for antimony from
September 2024. A calibration on 2021 to 2023 predicts *2024*, and one on 2024 predicts *2025*. Each has the days of
the stop that fall in its year, and the duties and the demand of the year: published consumption and exports. For
germanium, consumption is not published and stays as before. Shares by country are published for 2021 to 2024
together, so they are not held out; licences and events elsewhere are left out. World prices are not given: the worth
of one more tonne at home is the model's own answer, and the table sets its rise over the year before beside that of
the published price. USGS does not count gallium recovered from scrap as output, so its reliance is 100 %; the model
counts it.
"""
READING = """Where published imports exceed what the model needs, users and traders built stocks, as with gallium in
2025. Where the model runs short, other countries cannot sell beyond their reach (`assumptions.csv`), and the worth is
that of the demand given up, not a market price; in fact, antimony from Asia and Europe grew far beyond its reach in
2025. Where the worth hardly rises, the model misses that a stop raises the world price: prices abroad are inputs, and
in the plan's futures a rise of price is an event of its own.
"""


def trade_table(commodity: str, actual: dict[str, float], found: list[Forecast]) -> str:
    """Forecasts beside what was."""
    places = [place for place in actual if actual[place] > 0.005 or any(f.shares.get(place, 0) > 0.005 for f in found)]
    lines = [[f"{BASE_YEAR}, actual", *(share(actual[place]) for place in places), "", ""]]
    for forecast in found:
        mean, misplaced = forecast.error(actual)
        shown = [share(forecast.shares.get(place, 0.0)) for place in places]
        lines.append([forecast.name, *shown, f"{mean * 100:.1f}", share(misplaced)])
    return f"**{commodity}**\n\n" + table(["", *map(short_name, places), "mean error, points", "misplaced"], lines)


def ban_table(facts: Facts, tests: list[BanTest]) -> str:
    """Imports, reliance and price under the ban, modelled and published."""
    lines = []
    for test in tests:
        imports = sum(
            flow.factor * facts.quantity_t(flow.key, test.year) for flow in facts.flows_of(test.commodity, "imports")
        )
        gap = test.wanted_t - test.after.needs[test.commodity] - test.after.exports[test.commodity]
        lines.append(
            [
                test.commodity,
                str(test.year),
                number(imports),
                number(test.after.imports.total(test.commodity)),
                share(test.after.imports.share(test.commodity, "CHN")),
                number(gap) if gap > 1e-6 * imports else "0",
                _published_reliance(test),
                share(test.after.net_import_reliance(test.commodity)),
                _change(test.price_before, test.price_after),
                _change(test.before.worth[test.commodity], test.after.worth[test.commodity]),
            ]
        )
    header = [
        "commodity",
        "year",
        "imports published, t",
        "model, t",
        "of it China",
        "short in the model, t",
        "reliance published",
        "model",
        "price published, kUSD/t",
        "worth at home in the model, kUSD/t",
    ]
    return table(header, lines) + "\n" + READING


def _change(before: float, after: float) -> str:
    return f"{before:,.4g} to {after:,.4g} ({after / before:.2f} times)"


def _published_reliance(test: BanTest) -> str:
    rows = [row for row in fact_rows("heldout_reliance.csv") if row["commodity"] == test.commodity]
    row = next(row for row in rows if int(row["year"]) == test.year)
    return f"{SIGNS[row['bound']]}{share(float(row['share']))}"


def rise(test: BanTest) -> float:
    """Worth of a further tonne at home over that of the year before."""
    return test.after.worth[test.commodity] / test.before.worth[test.commodity]


def beats(name: str, actual: dict[str, float], found: list[Forecast]) -> bool:
    """Whether a forecast puts less of the trade with the wrong partner than the shares of the years before."""
    misplaced = {forecast.name: forecast.error(actual)[1] for forecast in found}
    return misplaced[name] < misplaced[STAY]


def mean_misplaced(name: str, held_out: Iterable[tuple[dict[str, float], list[Forecast]]]) -> float:
    """Share of imports a forecast puts with the wrong partner, mean over commodities."""
    found = [forecast.error(actual)[1] for actual, known in held_out for forecast in known if forecast.name == name]
    return sum(found) / len(found)
