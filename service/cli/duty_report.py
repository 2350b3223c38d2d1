"""The duty on an import as a person reads it."""

from __future__ import annotations

from rich.console import Console

from lodeplan.optimizer.words.numbers import amount, percent
from lodeplan.schemas.duty import DutyAnswer, DutyBand, DutyLine, DutyTerm
from lodeplan.service.cli.printing import new_console, new_table, say, section, wrapped

_BANDS = {"in_quota": "within the quota", "over_quota": "over the quota"}


def print_answer(answer: DutyAnswer) -> None:
    """Print the answer to a question on standard output."""
    console = new_console()
    head = (
        f"Duty on {answer.commodity_title} from {answer.origin_title} into {answer.destination_title} "
        f"on {answer.on} ({answer.scenario})"
    )
    console.print("\n".join(wrapped(console, [head])), style="bold")
    value = answer.customs_value_kusd_per_t
    known = (
        f"{answer.value_from}; see --value"
        if value is None
        else f"{amount(value)} kUSD per t contained, {answer.value_from}"
    )
    under = [f"With {', '.join(answer.events)}."] if answer.events else []
    say(console, [f"Customs value {known}.", *under, *answer.notes])
    for band in answer.bands:
        _print_band(console, band)
    _print_sources(console, answer)


def _print_band(console: Console, band: DutyBand) -> None:
    which = f", {_BANDS[band.band]}" if band.band in _BANDS else ""
    region = len({line.origin for line in [*band.in_force, *band.not_counted]}) > 1
    if band.in_force:
        console.print(f"In force{which}, in order", style="bold")
        table = new_table(["measure", "rate", ">adds, kUSD/t", ">sum, kUSD/t", ">of value"])
        for line in band.in_force:
            table.add_row(
                _name(line, region),
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
    rows = [[_name(line, region), line.why] for line in band.not_counted]
    section(console, "Considered, and not counted", ["measure", "why"], rows)


def _name(line: DutyLine, region: bool) -> str:
    return line.title + (f" ({line.origin_title}, {percent(line.share)})" if region else "")


def _kusd(value: float | None) -> str:
    return "" if value is None else amount(value)


def _rate(line: DutyLine) -> str:
    """The rate of a measure, or what became of it."""
    if line.outcome == "ceiling_reached":
        return f"{_term(line.terms[0])}, reached already"
    known = " + ".join(_term(term) for term in line.terms)
    return f"{known}, {_BANDS[line.band]}" if line.band in _BANDS else known


def _term(term: DutyTerm) -> str:
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


def _print_sources(console: Console, answer: DutyAnswer) -> None:
    if answer.sources:
        console.print("Sources", style="bold")
    for source in answer.sources:
        year = f", {source.year}" if source.year else ""
        told = [f"{source.measure} ({source.kind}{year}): {source.source}."]
        console.print("\n".join(wrapped(console, told, indent="  ")))
