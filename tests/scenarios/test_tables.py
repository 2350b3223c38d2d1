"""Tables as people save them are read as they are meant, or refused with what to do: never read otherwise."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from folders import ROOT
from tiny_scenario import problems_of, the_problem_of, tiny

from lodeplan import scenarios
from lodeplan.scenarios.reading.documents import parse_value
from lodeplan.scenarios.reading.fields import COLLECTIONS, LISTS
from lodeplan.schemas import Scenario

HEAD = "name: small\nhome: USA\nhorizon: {first_year: 2026, period_years: [1, 1]}\n"
TABLES = {
    "commodities": "name,stage,mineral_group,hts\nmetal,refined,metal,8112.92.10\n",
    "places": "name,groups\nUSA,\nCHN,covered\nAUS,allies\n",
    "facilities": (
        "name,place,outputs,capacity_t_per_y,cost_kusd_per_t,reserves_t,title\n"
        "offer CHN,CHN,metal=1,,10.5,,\noffer AUS,AUS,metal=1,2026=100.5; 2027=90,12,,\n"
    ),
    "routes": (
        "name,commodity,origin,destination,customs_value_kusd_per_t\n"
        "metal CHN,metal,CHN,USA,10\nmetal AUS,metal,AUS,USA,12\n"
    ),
    "demands": (
        "name,commodity,tier,quantity_t_per_y,shortage_penalty_kusd_per_t\nuser,metal,other,50,0.1=99.5; 1=100\n"
    ),
}


def write(folder: Path, **tables: str | bytes) -> Path:
    """The small scenario as a folder, some tables written otherwise."""
    folder.mkdir(exist_ok=True)
    (folder / "scenario.yaml").write_text(HEAD)
    for name, text in (TABLES | tables).items():
        content = text if isinstance(text, bytes) else text.encode()
        (folder / f"{name}.csv").write_bytes(content)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "small")


def plain(folder: Path) -> Scenario:
    return scenarios.load(folder)


def parted_by(sign: str, text: str, *, decimal_comma: bool) -> str:
    """A table as a spreadsheet of another country writes it."""
    lines = []
    for line in text.splitlines():
        cells = line.split(",")
        if decimal_comma:
            cells = [cell if "." not in cell or cell.count(".") > 1 else cell.replace(".", ",") for cell in cells]
            cells = [cell.replace("100.5", "100,5").replace("0.1=99.5", "0,1=99,5") for cell in cells]
        lines.append(sign.join(f'"{cell}"' if sign in cell else cell for cell in cells))
    return "\n".join(lines) + "\n"


# Signs between cells, and of decimals


@pytest.mark.parametrize("sign", [";", "\t"])
@pytest.mark.parametrize("decimal_comma", [True, False])
def test_tables_with_semicolons_or_tabs_say_the_same(
    folder: Path, tmp_path: Path, sign: str, decimal_comma: bool
) -> None:
    header_rows = {name: text.split("\n", 1) for name, text in TABLES.items()}
    other = {
        name: header.replace(",", sign) + "\n" + parted_by(sign, rows, decimal_comma=decimal_comma)
        for name, (header, rows) in header_rows.items()
    }

    assert scenarios.load(write(tmp_path / "other", **other)) == plain(folder)


@pytest.mark.parametrize("first", ["sep=;\n", "SEP=;\r\n", '"sep=;"\n', "sep=;;;;\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_first_line_that_says_the_separator_is_followed(
    folder: Path, tmp_path: Path, first: str, mark: bytes
) -> None:
    text = first + TABLES["routes"].replace(",", ";")

    assert scenarios.load(write(tmp_path / "other", routes=mark + text.encode())) == plain(folder)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_mark_of_the_encoding_does_not_count(folder: Path, tmp_path: Path, encoding: str) -> None:
    other = {name: text.replace(",", "\t").encode(encoding) for name, text in TABLES.items()}

    assert scenarios.load(write(tmp_path / "other", **other)) == plain(folder)


def test_one_table_has_one_decimal_sign(tmp_path: Path) -> None:
    rows = "name;place;outputs;cost_kusd_per_t\noffer CHN;CHN;metal=1;10,5\noffer AUS;AUS;metal=1;1.234\n"

    found = the_problem_of(write(tmp_path / "f", facilities=rows))

    assert (found.code, found.line) == ("two_decimal_signs", 3)
    assert "1,234, or 1234" in str(found.remedy)


@pytest.mark.parametrize("sign", [";", "\t"])
@pytest.mark.parametrize(
    ("written", "whole", "decimal"),
    [
        ("1.000", "1000", "1.0"),
        ("12.345", "12345", "12.3450"),
        ("1.250", "1250", "1.25"),
        ("2026=500; 2030=1.500", "1500", "1.5"),
    ],
)
def test_a_point_that_may_be_of_thousands_is_refused_with_both_numbers(
    tmp_path: Path, sign: str, written: str, whole: str, decimal: str
) -> None:
    head, first = "name,place,outputs,cost_kusd_per_t", "offer AUS,AUS,metal=1,12"
    rows = "\n".join([head, "offer CHN,CHN,metal=1,X", first, ""]).replace(",", sign).replace("X", f'"{written}"')

    found = the_problem_of(write(tmp_path / "f", facilities=rows))

    assert (found.code, found.path, found.line) == ("thousands_or_decimals", "facilities", 2)
    assert found.remedy == f"Write {whole} or {decimal}, whichever is meant."


@pytest.mark.parametrize("other", ["10.5", "0.125", "1.2340", "1.0"])
def test_a_point_is_of_decimals_where_another_number_of_the_table_tells(tmp_path: Path, other: str) -> None:
    rows = f"name;place;outputs;cost_kusd_per_t\noffer CHN;CHN;metal=1;{other}\noffer AUS;AUS;metal=1;1.234\n"

    read = scenarios.load(write(tmp_path / "f", facilities=rows))

    assert read.facilities["offer AUS"].cost_kusd_per_t == 1.234


def test_a_comma_between_tabs_that_may_be_of_thousands_is_refused_with_both_numbers(tmp_path: Path) -> None:
    rows = "name\tplace\toutputs\tcost_kusd_per_t\noffer CHN\tCHN\tmetal=1\t1,234\noffer AUS\tAUS\tmetal=1\t12\n"

    found = the_problem_of(write(tmp_path / "f", facilities=rows))

    assert found.path == "facilities.'offer CHN'.cost_kusd_per_t"
    assert found.remedy == "Write 1234, or 1.234, whichever is meant."


def test_names_and_codes_keep_their_commas(tmp_path: Path) -> None:
    rows = "name;stage;mineral_group;hts\nmetal;refined;metal;8112,92\n"

    found = the_problem_of(write(tmp_path / "f", commodities=rows))

    assert (found.code, found.path) == ("tariff_code", "commodities.metal.hts")


# Rows of another length than the header


@pytest.mark.parametrize(
    "row", ["offer CHN,CHN,metal=1,,10,5,,", "offer CHN,CHN,metal=1,,10,5,,,", "offer CHN,CHN,metal=1,,10"]
)
def test_a_row_longer_or_shorter_than_the_header_is_refused(tmp_path: Path, row: str) -> None:
    rows = TABLES["facilities"].replace("offer CHN,CHN,metal=1,,10.5,,", row)

    found = [problem for problem in problems_of(write(tmp_path / "f", facilities=rows)) if problem.code == "ragged_row"]

    assert [(problem.line, str(problem.file).endswith("facilities.csv")) for problem in found] == [(2, True)]
    assert "the header 7" in found[0].message


def test_a_decimal_comma_that_parts_a_number_is_named(tmp_path: Path) -> None:
    rows = TABLES["facilities"].replace("10.5,,", "10,5,,")

    assert "write 10.5" in str(the_problem_of(write(tmp_path / "f", facilities=rows)).remedy)


def test_a_decimal_comma_in_every_row_is_found_too(tmp_path: Path) -> None:
    rows = (
        "name,place,outputs,capacity_t_per_y,cost_kusd_per_t,reserves_t,title\n"
        "offer CHN,CHN,metal=1,,10,5,,\noffer AUS,AUS,metal=1,,12,5,,\n"
    )

    found = problems_of(write(tmp_path / "f", facilities=rows))

    assert [problem.code for problem in found] == ["ragged_row", "ragged_row"]


def test_the_same_blank_cells_at_the_end_of_every_row_do_not_count(folder: Path, tmp_path: Path) -> None:
    places = TABLES["places"].replace("\n", ",,\n")
    without_header = "name,groups\nUSA,,\nCHN,covered,\nAUS,allies,\n"
    blank_rows = TABLES["places"] + ",,,,\n\n"

    for number, text in enumerate((places, without_header, blank_rows)):
        assert scenarios.load(write(tmp_path / f"f{number}", places=text)) == plain(folder)


def test_cells_below_no_name_are_refused(tmp_path: Path) -> None:
    for number, text in enumerate(
        ("name,,groups\nUSA,x,\nCHN,,covered\nAUS,,allies\n", ",name,groups\n0,USA,\n1,CHN,covered\n2,AUS,allies\n")
    ):
        found = the_problem_of(write(tmp_path / f"f{number}", places=text))
        assert (found.code, found.line) == ("unnamed_column", 1)


# Columns


@pytest.mark.parametrize(
    ("column", "meant"),
    [
        ("Customs_Value_kUSD_per_t", "`customs_value_kusd_per_t`"),
        ("customs value kUSD per t", "`customs_value_kusd_per_t`"),
        ("customs_value", "`customs_value_kusd_per_t`"),
        ("customs_value_kusd_per_t 2026", "`customs_value_kusd_per_t.2026`"),
        ("customs_value_kusd_per_t_2026", "`customs_value_kusd_per_t.2026`"),
    ],
)
def test_a_column_written_otherwise_is_one_problem_with_the_right_name(tmp_path: Path, column: str, meant: str) -> None:
    rows = TABLES["routes"].replace("customs_value_kusd_per_t", column)

    found = the_problem_of(write(tmp_path / "f", routes=rows))

    assert (found.code, found.line) == ("unknown_field", 1)
    assert meant in str(found.remedy)


def test_a_name_column_in_capitals_is_one_problem(tmp_path: Path) -> None:
    found = [
        problem
        for problem in problems_of(write(tmp_path / "f", places=TABLES["places"].replace("name,", "Name,")))
        if str(problem.file).endswith("places.csv")
    ]

    assert len(found) == 1
    assert str(found[0].remedy).startswith("Did you mean `name`?")


def test_columns_named_by_years_alone_are_one_problem_with_the_right_name(tmp_path: Path) -> None:
    rows = "name,commodity,tier,2026,2027,2028,2029,shortage_penalty_kusd_per_t\nuser,metal,other,1,2,3,4,100\n"

    found = the_problem_of(write(tmp_path / "f", demands=rows + rows.splitlines()[1].replace("user", "other") + "\n"))

    assert (found.code, found.line) == ("year_column", 1)
    assert "2026, 2027, 2028 and so on" in found.message
    assert "`quantity_t_per_y.2026`" in str(found.remedy)


@pytest.mark.parametrize("column", ["Tier", "teir"])
def test_a_column_that_every_row_needs_is_one_problem_where_it_is_written_otherwise(
    tmp_path: Path, column: str
) -> None:
    rows = TABLES["demands"].replace("tier", column) + "another,metal,other,50,100\n"

    found = the_problem_of(write(tmp_path / "f", demands=rows))

    assert (found.path, found.line) == ("demands", 1)
    assert "`tier`" in str(found.remedy)


def test_what_a_row_lacks_besides_is_said_too(tmp_path: Path) -> None:
    rows = TABLES["demands"].replace("tier", "Tier").replace("user,metal", "user,")

    found = problems_of(write(tmp_path / "f", demands=rows))

    assert [problem.path for problem in found] == ["demands", "demands.user.commodity"]


def test_columns_by_year_are_read(tmp_path: Path) -> None:
    rows = (
        "name,commodity,tier,quantity_t_per_y.2026,quantity_t_per_y.2027,shortage_penalty_kusd_per_t\n"
        "user,metal,other,1,2,100\n"
    )

    scenario = scenarios.load(write(tmp_path / "f", demands=rows))

    assert scenario.demands["user"].quantity_t_per_y == {2026: 1, 2027: 2}


@pytest.mark.parametrize(
    "columns",
    [
        "quantity_t_per_y,quantity_t_per_y.2026",
        "quantity_t_per_y.2026,quantity_t_per_y.2026",
        "quantity_t_per_y.2026,quantity_t_per_y.02026",
    ],
)
def test_two_columns_for_one_number_are_refused(tmp_path: Path, columns: str) -> None:
    rows = f"name,commodity,tier,{columns},shortage_penalty_kusd_per_t\nuser,metal,other,1,2,100\n"

    found = problems_of(write(tmp_path / "f", demands=rows))

    assert {problem.code for problem in found} & {"duplicate_column", "duplicate_key"}


# Files

NOT_TABLES = [
    ".CSV", ".Csv", ".csv.txt", ".csv.bak", ".txt", ".tsv", ".xlsx", ".XLSX", ".xls", ".ods", ".json", ".yaml",
    ".parquet", ".csv.gz", ".csv.orig", "",
]  # fmt: skip


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_a_file_that_is_named_as_a_collection_and_not_read_is_an_error(folder: Path, collection: str) -> None:
    for ending in NOT_TABLES:
        path = folder / f"{collection}{ending}"
        path.write_text("name\n")
        found = [problem for problem in problems_of(folder) if problem.code == "unread_table"]
        assert [(problem.path, str(problem.file)) for problem in found] == [(collection, str(path))], ending
        assert found[0].remedy
        path.unlink()
    (folder / collection).mkdir()
    assert [problem.code for problem in problems_of(folder)] == ["unread_table"]


@pytest.mark.parametrize(
    ("name", "code", "meant"),
    [
        ("Tariffs.csv", "unknown_table", "`tariffs`"),
        ("tarifs.csv", "unknown_table", "`tariffs`"),
        ("tariffs (1).csv", "unknown_table", "`tariffs`"),
        ("tariffs_2026.CSV", "unknown_table", "`tariffs`"),
        ("tarifs.xlsx", "unread_table", "`tariffs.csv`"),
        ("Route.yaml", "unread_table", "`routes.csv`"),
        ("scenario.yml", "unread_table", "scenario.yaml"),
        ("Scenario.json", "unread_table", "scenario.yaml"),
    ],
)
def test_a_file_whose_name_is_nearly_that_of_a_table_is_an_error(
    folder: Path, name: str, code: str, meant: str
) -> None:
    (folder / name).write_text("name\n")

    found = the_problem_of(folder)

    assert found.code == code
    assert meant in str(found.remedy)


def test_what_systems_and_programs_leave_behind_is_passed_over(folder: Path) -> None:
    before = plain(folder)
    for name in (
        "~$routes.csv", "._routes.csv", ".DS_Store", ".~lock.routes.csv#", "routes.csv~", "#routes.csv#", "README.md",
        "Thumbs.db", "desktop.ini", "notes.yaml", "sources.xlsx", "map.png",
    ):  # fmt: skip
        (folder / name).write_bytes(b"\x00\x01")
    (folder / "facts").mkdir()
    (folder / "facts" / "routes.csv").write_text("not a table")

    assert plain(folder) == before


def test_a_head_under_another_name_is_named(folder: Path) -> None:
    (folder / "scenario.yaml").rename(folder / "Scenario.yml")

    found = the_problem_of(folder)

    assert (found.code, found.remedy) == ("no_scenario", "Rename Scenario.yml to scenario.yaml.")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04rest", "a workbook or a zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook"),
        (b"\x1f\x8b\x08", "a gzip archive"),
        (b"%PDF-1.7", "a PDF"),
        (b"name\x00\x01\x02", "a binary file"),
    ],
)
def test_what_is_no_text_is_one_clear_sentence(folder: Path, tmp_path: Path, content: bytes, what: str) -> None:
    for name in ("study.xlsx", "study.yaml", "study.json"):
        path = tmp_path / name
        path.write_bytes(content)
        found = the_problem_of(path)
        assert (found.code, found.message) == ("not_text", f"this is {what}, not text.")
    (folder / "routes.csv").write_bytes(content)
    assert the_problem_of(folder).message == f"this is {what}, not text."


def test_a_table_alone_is_no_scenario(folder: Path) -> None:
    found = the_problem_of(folder / "routes.csv")

    assert found.code == "table_for_scenario"
    assert "folder" in str(found.remedy)


def test_the_table_on_the_page_says_what_the_page_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "reference" / "scenario.md").read_text(encoding="utf-8")
    table, _, said, *_ = page.split("```csv\n")[1].split("```\n")

    scenario = scenarios.load(write(tmp_path / "f", facilities=table))
    patch = {"op": "set", "path": "facilities", "value": parse_value(said)["facilities"]}
    whole = scenarios.load(tmp_path / "f", [patch])

    assert scenario.facilities == whole.facilities
    assert list(scenario.facilities) == ["metal CHN", "metal AUS"]


# Data frames


def from_frames() -> dict[str, Any]:
    pandas = pytest.importorskip("pandas")
    head = {"name": "small", "home": "USA", "horizon": {"first_year": 2026, "period_years": [1, 1]}}
    return head | {name: pandas.read_csv(io.StringIO(text)).set_index("name") for name, text in TABLES.items()}


def test_empty_cells_of_data_frames_are_not_given_once_they_are_left_out(folder: Path) -> None:
    data = {
        name: frame.to_dict("index") if name in COLLECTIONS and name not in LISTS else frame
        for name, frame in from_frames().items()
    }
    cleaned = {
        name: {
            key: {field: cell for field, cell in row.items() if not isinstance(cell, float) or not math.isnan(cell)}
            for key, row in rows.items()
        }
        if name in TABLES
        else rows
        for name, rows in data.items()
    }

    assert scenarios.load(cleaned) == plain(folder)

    found = the_problem_of(data)
    assert found.code == "not_finite"
    assert "6 values" in found.message


def test_marks_of_data_frames_that_mean_nothing_else_are_not_given() -> None:
    pandas = pytest.importorskip("pandas")
    data = tiny()
    data["facilities"]["mine"] |= {"capacity_t_per_y": pandas.NA, "title": pandas.NaT}
    data["tariffs"]["mfn"]["onset"] = pandas.Timestamp(2026, 7, 1)
    data["demands"]["user"]["quantity_t_per_y"] = pandas.Series([40]).iloc[0]

    scenario = scenarios.load(data)

    assert scenario.facilities["mine"].capacity_t_per_y is None
    assert str(scenario.tariffs["mfn"].onset) == "2026-07-01"
    assert json.loads(scenario.model_dump_json())["demands"]["user"]["quantity_t_per_y"] == 40


@pytest.mark.parametrize("written", [str.upper, str.title, lambda text: text.replace("_", " ")])
@pytest.mark.parametrize("table", ["facilities", "demands"])
def test_a_header_written_otherwise_is_one_problem_of_the_file(
    tmp_path: Path, table: str, written: Callable[[str], str]
) -> None:
    header, rows = TABLES[table].split("\n", 1)

    found = [
        problem
        for problem in problems_of(write(tmp_path / "f", **{table: f"{written(header)}\n{rows}"}))
        if str(problem.file).endswith(f"{table}.csv")
    ]

    assert [problem.code for problem in found] == ["respelled_columns"]
    fields = [field for field in header.split(",") if written(field) != field]
    assert all(f"`{field}`" in str(found[0].remedy) and f"`{written(field)}`" in found[0].message for field in fields)
