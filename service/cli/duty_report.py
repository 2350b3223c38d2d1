"""The duty on an import as a person reads it."""

from __future__ import annotations

from rich.console import Console

from lodeplan import scenarios
from lodeplan.optimizer.figures.text import amount, percent, title_of
from lodeplan.schemas import Scenario
from lodeplan.service.cli.duty import Answer, Band, Line, Term
from lodeplan.service.cli.printing import new_console, new_table, say, section, wrapped

_BANDS = {"in_quota": "within the quota", "over_quota": "over the quota"}


def print_answer(answer: Answer, source: str) -> None:
    """Print the answer to a question about the scenario of this source on standard output."""
    console = new_console()
    scenario = scenarios.load(source)
    origin, destination = (title_of(scenario.places, place) for place in (answer.origin, answer.destination))
    what = title_of(scenario.commodities, answer.commodity)
    head = [f"Duty on {what} from {origin} into {destination} on {answer.on} ({answer.scenario})"]
    console.print("\n".join(wrapped(console, head)), style="bold")
    value = answer.customs_value_kusd_per_t
    known = "" if value is None else f"{amount(value)} kUSD per t contained, "
    under = [f"With {', '.join(answer.events)}."] if answer.events else []
    say(console, [f"Customs value {known}{answer.value_from}.", *under, *answer.notes])
    for band in answer.bands:
        _print_band(console, scenario, band)
    _print_sources(console, answer)


def _print_band(console: Console, scenario: Scenario, band: Band) -> None:
    which = f", {_BANDS[band.band]}" if band.band in _BANDS else ""
    region = len({line.origin for line in [*band.in_force, *band.not_counted]}) > 1
    if band.in_force:
        console.print(f"In force{which}, in order", style="bold")
        table = new_table(["measure", "rate", ">adds, kUSD/t", ">sum, kUSD/t", ">of value"])
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
        console.print()
    else:
        say(console, [f"No duty{which}: no measure is in force on this import."])
    rows = [[_name(scenario, line, region), _reason(scenario, line)] for line in band.not_counted]
    section(console, "Considered, and not counted", ["measure", "why"], rows)


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
        told = [f"{source.measure} ({source.kind}{year}): {source.source}."]
        console.print("\n".join(wrapped(console, told, indent="  ")))
