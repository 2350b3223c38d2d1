"""The duty on an import as sentences and sections."""

from __future__ import annotations

from collections.abc import Iterator

from lodeplan.optimizer.report.cells import NOTHING, heads, number, share, words
from lodeplan.optimizer.words.numbers import amount, percent
from lodeplan.schemas.duty import DutyAnswer, DutyBand, DutyLine, DutyTerm
from lodeplan.schemas.report import Cell, Section

_BANDS = {"in_quota": "within the quota", "over_quota": "over the quota"}


def duty_title(answer: DutyAnswer) -> str:
    """The question that is answered."""
    return (
        f"Duty on {answer.commodity_title} from {answer.origin_title} into {answer.destination_title} "
        f"on {answer.on} ({answer.scenario})"
    )


def duty_sentences(answer: DutyAnswer, to_give_one: str) -> list[str]:
    """The customs value and where it comes from, the events, and what should be said beside the numbers.

    `to_give_one`: where a customs value is given, which is said if none is known.
    """
    value = answer.customs_value_kusd_per_t
    if value is None:
        known = f"{answer.value_from}; see {to_give_one}"
    else:
        known = f"{amount(value)} kUSD per t contained, {answer.value_from}"
    under = [f"With {', '.join(answer.events)}."] if answer.events else []
    return [f"Customs value {known}.", *under, *answer.notes]


def duty_sections(answer: DutyAnswer) -> list[Section]:
    """Of each band the measures in force, and those that were considered and do not count."""
    return [section for band in answer.bands for section in _of_band(band)]


def source_sentences(answer: DutyAnswer) -> list[str]:
    """The source of each measure."""
    return [
        f"{source.measure} ({source.kind}{f', {source.year}' if source.year else ''}): {source.source}."
        for source in answer.sources
    ]


def _of_band(band: DutyBand) -> Iterator[Section]:
    which = f", {_BANDS[band.band]}" if band.band in _BANDS else ""
    region = len({line.origin for line in [*band.in_force, *band.not_counted]}) > 1
    rows = [
        [
            words(_name(line, region)),
            words(_rate(line)),
            _kusd(line.duty_kusd_per_t),
            _kusd(line.cumulative_kusd_per_t),
            share(line.cumulative_share),
        ]
        for line in band.in_force
    ]
    yield Section(
        name="in_force", title=f"In force{which}, in order",
        columns=heads("Measure", "Rate", ">Adds, kUSD/t", ">Sum, kUSD/t", ">Of value"), rows=rows,
        total=[words("Total"), NOTHING, NOTHING, _kusd(band.duty_kusd_per_t), share(band.duty_share)],
        empty=f"No duty{which}: no measure is in force on this import.",
    )  # fmt: skip
    if band.not_counted:
        yield Section(
            name="not_counted", title="Considered, and not counted", columns=heads("Measure", "Why"),
            rows=[[words(_name(line, region)), words(line.why)] for line in band.not_counted],
        )  # fmt: skip


def _name(line: DutyLine, region: bool) -> str:
    return line.title + (f" ({line.origin_title}, {percent(line.share)})" if region else "")


def _kusd(value: float | None) -> Cell:
    return NOTHING if value is None else number(value, "kUSD/t")


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
