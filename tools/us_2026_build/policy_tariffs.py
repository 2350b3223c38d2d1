"""Tariff measures from tariff lines and dated rules.

A commodity pays as its lead line, the first of its codes: a commodity with codes of different rates would
otherwise pay several of them at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

Row = Mapping[str, str]
Table = list[dict[str, str]]

FIELDS = (
    *("origins", "except_origins", "commodities", "hts", "except_hts", "rate_share", "rate_kusd_per_t_gross"),
    *("all_in_ceiling_share", "minimum_price_kusd_per_t", "quota.volume_t_per_y", "quota.in_quota_rate_share"),
    *("precedence", "replaces", "onset", "until", "active", "refundable", "note"),
    *("_kind", "_source", "_year", "_low", "_high"),
)
"""Columns of a measure after its name, title and programme; those with `_` go to the provenance."""

COPIED = (
    *("rate_share", "all_in_ceiling_share", "minimum_price_kusd_per_t"),
    *("quota.volume_t_per_y", "quota.in_quota_rate_share"),
    *("precedence", "replaces", "onset", "until", "active", "note"),
)
"""Columns of a measure that a dated rule has as well."""

COLUMN_2 = ("RUS", "PRK")
"""Without normal trade relations; those that are places of the scenario."""

RAW = ("ore", "concentrate", "scrap")
"""Stages that the investigation into processed critical minerals and their derivatives does not cover."""
OWN_INVESTIGATION = {"aluminum", "copper", "silicon/polysilicon"}
"""Mineral groups and commodities with a section 232 case of their own."""

MFN_SOURCE = "USITC, Harmonized Tariff Schedule, editions of November 2024 and April 2025"
LIST_SOURCES = {
    "2019-05-10": ("USTR, List 3 at 25 per cent (84 FR 20459)", 2019),
    "2024-09-27": ("USTR, four-year review of section 301 on China, final modification, 13 September 2024", 2024),
    "2025-01-01": ("USTR, tungsten products and polysilicon, December 2024 (EY, 13 December 2024)", 2025),
    "2026-01-01": ("USTR, four-year review of section 301 on China, final modification, 13 September 2024", 2026),
}


def tariff_tables(
    lines: Sequence[Row],
    rules: Sequence[Row],
    reciprocal: Sequence[Row],
    materials: Sequence[Row],
    places: Sequence[Row],
) -> dict[str, Table]:
    """`tariffs.csv` and its provenance, from tariff lines, dated rules, commodities and places."""
    known = {row["name"] for row in places}
    used = [line for line in lines if any(_begins(_lead(row), line["hts"]) for row in materials if row["hts"])]
    content = _content(used, materials)
    measures = [*_general(used, content), *_column_2(used, content, known), *_section_301(used)]
    processed = _processed(materials)
    for rule in [*rules, *map(_reciprocal, reciprocal)]:
        meant = {**rule, "commodities": processed} if rule["commodities"] == "processed" else rule
        measures += _rule(meant, used, known)
    sources = [row for measure in measures for row in _provenance(measure)]
    return {
        "tariffs.csv": [
            {key: text for key, text in measure.items() if not key.startswith("_")} for measure in measures
        ],
        "provenance.tariffs.csv": sources,
    }


def _lead(material: Row) -> str:
    """The line by which a commodity pays: the first of its codes."""
    return material["hts"].split(";")[0].strip()


def _content(lines: Sequence[Row], materials: Sequence[Row]) -> dict[str, float]:
    """t contained per t gross weight of what pays by each line."""
    return {
        line["hts"]: float(row["contained_share"])
        for line in lines
        for row in materials
        if row["hts"] and _begins(_lead(row), line["hts"])
    }


def _processed(materials: Sequence[Row]) -> str:
    """The commodities that count as processed critical minerals, as a list in a cell."""
    return "; ".join(
        row["commodity"]
        for row in materials
        if row["stage"] not in RAW and not {row["mineral_group"], row["commodity"]} & OWN_INVESTIGATION
    )


def _begins(code: str, prefix: str) -> bool:
    return code.replace(".", "").startswith(prefix.replace(".", ""))


def _measure(name: str, title: str, programme: str, **fields: str) -> dict[str, str]:
    blank = dict.fromkeys(FIELDS, "")
    return {"name": name, "title": title, "programme": programme, **blank, **fields}


def _general(lines: Sequence[Row], content: Mapping[str, float]) -> Table:
    """General rates (MFN), a measure for each group of lines with one rate; free for free-trade partners."""
    groups: dict[tuple[str, float, str], list[str]] = defaultdict(list)
    for line in lines:
        gross = float(line["mfn_kusd_per_t_content"] or 0) * content[line["hts"]]
        if float(line["mfn_rate_share"]) or gross:
            groups[line["mfn_rate_share"], gross, line["also_free"]].append(line["hts"])
    return [
        _measure(
            f"mfn_{_label(float(rate))}" if not gross else f"mfn_weight_{codes[0].replace('.', '')}",
            f"General duty, {float(rate) * 100:g} %" if not gross else "General duty by weight",
            "mfn",
            origins="*",
            except_origins="; ".join(filter(None, ["fta", *COLUMN_2, free])),
            hts="; ".join(codes),
            rate_share=_text(float(rate)),
            rate_kusd_per_t_gross=_text(gross),
            _kind="derived" if gross else "published",
            _source=MFN_SOURCE + ("; per kg content times content per gross weight" if gross else ""),
            _year="2025",
        )
        for (rate, gross, free), codes in sorted(groups.items())
    ]


def _column_2(lines: Sequence[Row], content: Mapping[str, float], places: Collection[str]) -> Table:
    """Column 2 rates, on those without normal trade relations."""
    groups: dict[tuple[float, float], list[str]] = defaultdict(list)
    for line in lines:
        gross = float(line["column2_kusd_per_t"] or 0)
        gross *= content[line["hts"]] if line["specific_basis"] == "content" else 1.0
        rate = float(line["column2_rate_share"] or 0)
        if rate or gross:
            groups[rate, gross].append(line["hts"])
    return [
        _measure(
            f"column_2_{_label(rate)}" if not gross else f"column_2_weight_{codes[0].replace('.', '')}",
            f"Column 2 duty, {rate * 100:g} %" if not gross else "Column 2 duty by weight",
            "column_2",
            origins="; ".join(place for place in COLUMN_2 if place in places),
            hts="; ".join(codes),
            rate_share=_text(rate),
            rate_kusd_per_t_gross=_text(gross),
            _kind="published",
            _source=MFN_SOURCE + "; Russia without normal trade relations since 9 April 2022 (Public Law 117-110)",
            _year="2025",
        )
        for (rate, gross), codes in sorted(groups.items())
    ]


def _section_301(lines: Sequence[Row]) -> Table:
    """Section 301 on China, a measure for each date and rate."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for line in lines:
        if line["section_301_onset"]:
            groups[line["section_301_onset"], line["section_301_rate_share"]].append(line["hts"])
    return [
        _measure(
            f"section_301_china_{onset[:7].replace('-', '_')}",
            f"Section 301 on China, {float(rate) * 100:g} % from {onset}",
            "section_301_china",
            origins="CHN",
            hts="; ".join(codes),
            rate_share=_text(float(rate)),
            onset=onset,
            _kind="published",
            _source=LIST_SOURCES[onset][0] + "; lines: USITC, chapter 99 of 2026, via the Yale Budget Lab tracker",
            _year=str(LIST_SOURCES[onset][1]),
        )
        for (onset, rate), codes in sorted(groups.items())
    ]


def _reciprocal(row: Row) -> Row:
    """A row of `policy_reciprocal.csv`, rates of single countries in place of the baseline, as a dated rule."""
    share = float(row["rate_share"] or row["all_in_ceiling_share"])
    all_in = "" if row["rate_share"] else "all-in "
    places = [place.strip() for place in row["origins"].split(";")]
    whom = places[0].lower() if len(places) == 1 else f"{all_in}{_label(share)}".replace("-", "_").replace(" ", "_")
    start, end = row["onset"], row["until"]
    return {
        **row,
        "name": f"ieepa_reciprocal_{start.replace('-', '_')}_{whom}",
        "title": f"IEEPA reciprocal duty, {all_in}{share * 100:g} % from {start}",
        "programme": "ieepa_reciprocal",
        "commodities": "*",
        "exempt": "ieepa_exempt",
        "precedence": "5",
        "replaces": "ieepa_reciprocal",
        "kind": "published",
        "year": "2025",
        "note": f"In place of the baseline until {end}",
    }


def _rule(rule: Row, lines: Sequence[Row], places: Collection[str]) -> Table:
    """A dated rule as a measure, and as another for lines that an exemption reached only after its onset."""
    column = rule["exempt"]
    exempt = [line for line in lines if column and _is_exempt(line, column)]
    joined = {line["hts"]: day for line in exempt if (day := line.get(f"{column}_from")) and day > rule["onset"]}
    paying = {code: min(day, rule["until"] or day) for code, day in joined.items()}
    whole = {code for code, day in paying.items() if day == rule["until"]}
    left_out = [line["hts"] for line in exempt if line["hts"] not in whole]
    measures = [_dated(rule, lines, places, left_out)]
    for until in sorted({paying[code] for code in paying if code not in whole}):
        early = {
            "name": f"{rule['name']}_until_{until[:7].replace('-', '_')}",
            "title": f"{rule['title']}, on lines exempt from {until}",
            "commodities": "",
            "hts": "; ".join(code for code, day in paying.items() if day == until and code not in whole),
            "except_hts": "",
            "until": until,
        }
        measures.append({**measures[0], **early})
    return measures


def _dated(rule: Row, lines: Sequence[Row], places: Collection[str], left_out: Sequence[str]) -> dict[str, str]:
    """A dated rule as a measure: its lines looked up, its places cut to those of the scenario."""
    return _measure(
        rule["name"],
        rule["title"],
        rule["programme"],
        origins=_known(rule["origins"], places),
        except_origins=_known(rule.get("except_origins", ""), places),
        commodities=rule["commodities"],
        hts="; ".join(line["hts"] for line in lines if rule.get("lines") and _is_listed(line, rule["lines"])),
        except_hts="; ".join(left_out),
        # Void by the Supreme Court's judgment of 20 February 2026.
        refundable="yes" if rule["programme"].startswith("ieepa_") else "",
        **{field: rule.get(field, "") for field in COPIED},
        **{f"_{field}": rule.get(field, "") for field in ("kind", "source", "year", "low", "high")},
    )


def _is_exempt(line: Row, column: str) -> bool:
    """Exempt as a line; or as metal under section 232, which every such list but Canada's leaves out."""
    return line[column] == "y" or (line["s232_metals"] == "y" and column != "canada_energy")


def _is_listed(line: Row, lines: str) -> bool:
    if lines in line:
        return line[lines] == "y"
    chapter = {"s232_aluminium": "76", "s232_copper": "74"}[lines]
    return line["s232_metals"] == "y" and line["hts"].startswith(chapter)


def _known(selection: str, places: Collection[str]) -> str:
    """A list of places cut to groups, `*` and places of the scenario."""
    names = [name.strip() for name in selection.split(";") if name.strip()]
    return "; ".join(name for name in names if name == "*" or name.islower() or name in places)


def _provenance(measure: Row) -> Table:
    """Where the measure comes from; of an assumed one, the range of the field that carries its rate."""
    fields = ("all_in_ceiling_share", "minimum_price_kusd_per_t", "rate_share", "rate_kusd_per_t_gross")
    carrier = next(field for field in fields if measure[field])
    cells = {key: measure[f"_{key}"] for key in ("kind", "source", "year", "low", "high")}
    return [{"table": "tariffs", "name": measure["name"], "field": carrier if cells["low"] else "*", **cells}]


def _label(rate: float) -> str:
    return f"{rate * 100:g}_pct".replace(".", "_")


def _text(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".") if value else ""
