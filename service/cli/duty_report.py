"""The duty on an import as a person reads it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

import scenarios
from optimizer.figures.text import amount, percent, title_of
from schemas import Scenario
from service.cli.duty import Answer, Band, Line, Term

_PIPED_WIDTH = 80
_BANDS = {"in_quota": "within the quota", "over_quota": "over the quota"}


def print_answer(answer: Answer, source: str) -> None:
    """Print the answer to a question about the scenario of this source on standard output."""
    console = Console(highlight=False, emoji=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, emoji=False, markup=False, width=_PIPED_WIDTH)
    scenario = scenarios.load(source)
    origin, destination = (title_of(scenario.places, place) for place in (answer.origin, answer.destination))
    what = title_of(scenario.commodities, answer.commodity)
    _say(console, [f"Duty on {what} from {origin} into {destination} on {answer.on} ({answer.scenario})"], "bold")
    value = answer.customs_value_kusd_per_t
    known = "" if value is None else f"{amount(value)} kUSD per t contained, "
    under = [f"With {', '.join(answer.events)}."] if answer.events else []
    _say(console, [f"Customs value {known}{answer.value_from}.", *under, *answer.notes])
    console.print()
    for band in answer.bands:
        _print_band(console, scenario, band)
    _print_sources(console, answer)


def _print_band(console: Console, scenario: Scenario, band: Band) -> None:
    which = f", {_BANDS[band.band]}" if band.band in _BANDS else ""
    region = len({line.origin for line in [*band.in_force, *band.not_counted]}) > 1
    if band.in_force:
        console.print(f"In force{which}, in order", style="bold")
        table = _table("measure", "rate", ">adds, kUSD/t", ">sum, kUSD/t", ">of value")
        for line in band.in_force:
            table.add_row(
                _name(scenario, line, region),
                _rate(line),
                _kusd(line.duty_kusd_per_t),
                _kusd(line.cumulative_kusd_per_t),
                percent(line.cumulative_share),
            )
        table.add_section()
        table.add_row("Total", "", "", _kusd(band.duty_kusd_per_t), percent(band.duty_share))
        console.print(table)
    else:
        _say(console, [f"No duty{which}: no measure is in force on this import."])
    console.print()
    if band.not_counted:
        console.print("Considered, and not counted", style="bold")
        table = _table("measure", "why")
        for line in band.not_counted:
            table.add_row(_name(scenario, line, region), _reason(scenario, line))
        console.print(table)
        console.print()


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in columns:
        right = column.startswith(">")
        table.add_column(column.removeprefix(">"), justify="right" if right else "left", overflow="fold")
    return table


def _name(scenario: Scenario, line: Line, region: bool) -> str:
    part = f" ({title_of(scenario.places, line.origin)}, {percent(line.share)})" if region else ""
    return line.title + part


def _kusd(value: float | None) -> str:
    return "" if value is None else amount(value)


def _rate(line: Line) -> str:
    """The rate of a measure, or what became of it."""
    if line.outcome == "ceiling_reached":
        return f"{_term(line.terms[0])}, reached already"
    known = " + ".join(_term(term) for term in line.terms)
    return f"{known}, {_BANDS[line.band]}" if line.band in _BANDS else known


def _term(term: Term) -> str:
    match term.base:
        case "customs_value":
            return f"{percent(term.rate)} of value"
        case "metal_value":
            return f"{percent(term.rate)} of metal value"
        case "gross_weight":
            return f"{amount(term.rate)} kUSD/t gross"
        case "minimum_price":
            return f"up to {amount(term.rate)} kUSD/t"
        case _:
            return f"up to {percent(term.rate)} all-in"


def _reason(scenario: Scenario, line: Line) -> str:
    because = line.because
    match line.outcome:
        case "replaced":
            return f"replaced by: {title_of(scenario.tariffs, because)}"
        case "exempt_commodity":
            return f"exempt: HTS {because}" if because[:1].isdigit() else f"exempt: {because}"
        case "exempt_origin":
            return f"exempt origin: {because}"
        case "switched_off":
            return f"lifted by the event {because}"
        case "not_yet":
            return f"only from {because}"
        case "no_longer":
            return f"ended on {because}"
        case _:
            return "not in force unless an event switches it on"


def _print_sources(console: Console, answer: Answer) -> None:
    if answer.sources:
        console.print("Sources", style="bold")
    for source in answer.sources:
        year = f", {source.year}" if source.year else ""
        _say(console, [f"{source.measure} ({source.kind}{year}): {source.source}."], indent="  ")


def _say(console: Console, sentences: Iterable[str], style: str | None = None, indent: str = "") -> None:
    width = min(console.width, 100)
    lines: Sequence[str] = [
        line for sentence in sentences for line in textwrap.wrap(sentence, width, subsequent_indent=indent)
    ]
    if lines:
        console.print("\n".join(lines), style=style)
