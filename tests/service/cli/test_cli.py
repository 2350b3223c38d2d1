"""The command line, as its users and their scripts see it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import structlog
from command_line import Run
from folders import ROOT
from job_service import wait_until

import lodeplan
from lodeplan import scenarios
from lodeplan.optimizer import Plan, Problem
from lodeplan.schemas import InputProblem, InvalidInput, SolverProgress, Summary
from lodeplan.schemas.plan import PlanDocument
from lodeplan.service.cli.demo import free_port
from lodeplan.service.cli.exits import exit_of
from lodeplan.service.cli.progress import ProgressLine, progress_text
from lodeplan.service.cli.solving import Limits, solve_with_progress

TOY_OPTIMUM_KUSD = 5172.1574


def summary(**values: Any) -> Summary:
    return Summary.model_validate({"scenario": "x", "scenario_hash": "0", **values})


# Help and version


def test_the_list_of_commands_says_in_whole_sentences_what_each_does(run: Run) -> None:
    listed = run("--help").out.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert len(listed) > 15
    assert [line for line in listed if not line.endswith(".") or line.endswith("...")] == []


def test_help_names_every_command_and_exit_code(run: Run) -> None:
    shown = run("--help")
    assert shown.code == 0
    service = ("demo", "serve", "worker", "migrate", "backup", "restore", "doctor", "keys", "audit")
    for command in (*service, "solve", "validate", "compare", "duty", "scenarios", "init", "export"):
        assert re.search(rf"^  {command} ", shown.out, re.MULTILINE), command
    assert "2 bad input" in shown.out


def test_help_does_not_import_what_is_slow() -> None:
    slow = ("pandas", "numpy", "pyomo", "highspy", "fastapi", "pydantic", "rich.table")
    code = (
        "import sys\nfrom lodeplan.service.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {slow!r} if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == "[]"


def test_a_scenario_is_not_compared_with_itself(run: Run) -> None:
    shown = run("compare", "golden-toy")
    assert shown.code == 2
    assert "a second scenario, or changes in --set" in shown.err
    assert "--set changes the second" in run("compare", "--help").out


def test_version_is_printed(run: Run) -> None:
    assert re.fullmatch(r"lodeplan \d+\.\d+\.\d+\n", run("--version").out)


@pytest.mark.parametrize("arguments", [["solve"], ["sovle", "golden-toy"], ["solve", "golden-toy", "--gap", "2"]])
def test_a_wrong_command_line_is_bad_input(run: Run, arguments: list[str]) -> None:
    shown = run(*arguments)
    assert shown.code == 2
    assert shown.out == ""
    assert "Traceback" not in shown.err


# Bad input


def test_shipped_scenarios_are_listed_by_name_and_title(run: Run) -> None:
    shipped = {item.name: item.title for item in scenarios.names()}
    lines = [re.split(r"\s{2,}", line, maxsplit=1) for line in run("scenarios").out.splitlines()]
    assert dict(lines) == shipped
    assert {item["name"]: item["title"] for item in json.loads(run("scenarios", "--json").out)} == shipped


@pytest.mark.parametrize("command", ["solve", "validate"])
def test_every_problem_is_said_with_its_place_value_and_remedy(run: Run, command: str) -> None:
    shown = run(
        command, "golden-toy", "--set", "economics.discount_rate=high", "--set", "routes.'metal CHN'.origin=CHI"
    )
    assert shown.code == 2
    assert shown.out == ""
    assert "2 problems" in shown.err
    assert re.search(r"^economics\.discount_rate ", shown.err, re.MULTILINE)
    assert "'high'" in shown.err
    assert "'CHI'" in shown.err
    assert "`CHN`" in shown.err
    assert "Traceback" not in shown.err


def test_every_broken_set_is_said(run: Run) -> None:
    shown = run("validate", "golden-toy", "--set", "first", "--set", "second")
    assert shown.code == 2
    assert "'first'" in shown.err
    assert "'second'" in shown.err


def test_an_unknown_scenario_is_bad_input_and_the_shipped_names_are_offered(run: Run) -> None:
    shown = run("solve", "golden-toi")
    assert shown.code == 2
    assert "golden-toy" in shown.err


@pytest.mark.parametrize("command", [["init"], ["solve", "golden-toy", "--out"]])
def test_a_folder_that_cannot_be_made_is_said_in_a_sentence(run: Run, tmp_path: Path, command: list[str]) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    shown = run(*command, in_the_way)
    assert shown.code == 1
    assert str(in_the_way) in shown.err
    assert "Traceback" not in shown.err


def test_an_unexpected_error_is_one_sentence_and_its_trace_is_in_a_file(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a loose wire")

    monkeypatch.setattr(scenarios, "load", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    shown = run("solve", "golden-toy")
    assert shown.code == 1
    assert "RuntimeError: a loose wire" in shown.err
    assert "Traceback" not in shown.err
    (log,) = tmp_path.iterdir()
    assert str(log) in shown.err
    assert "Traceback" in log.read_text(encoding="utf-8")


def test_a_solve_that_runs_out_of_memory_is_a_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def hoard(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(Problem, "solve", hoard)
    shown = run("solve", "golden-toy")
    assert (shown.code, shown.out) == (1, "")
    assert shown.err == "The solve ran out of memory. Use a smaller scenario or a machine with more memory.\n"


# validate, init, export


def test_validate_counts_what_a_scenario_holds(run: Run) -> None:
    shown = run("validate", "golden-toy", "--json")
    found = json.loads(shown.out)
    assert shown.code == 0
    assert found["valid"] is True
    assert found["errors"] == []
    assert found["warnings"] == []
    expected = {"materials": 1, "commodities": 1, "places": 3, "facilities": 2, "projects": 1, "routes": 2}
    expected |= {"tariff_measures": 1, "stockpiles": 1, "demands": 2, "limits": 0, "futures": 2}
    assert {name: found["counts"][name] for name in expected} == expected


def test_what_a_service_in_the_same_process_logs_is_no_part_of_what_a_command_prints(run: Run) -> None:
    structlog.get_logger("service.requests").error("a line of the log, with {braces}")
    shown = run("validate", "golden-toy", "--json")
    assert json.loads(shown.out)["valid"] is True
    assert shown.err == ""


def test_validate_as_json_gives_errors_as_data(run: Run) -> None:
    shown = run("validate", "golden-toy", "--set", "horizon.period_years=[0]", "--json")
    found = json.loads(shown.out)
    assert shown.code == 2
    assert found["valid"] is False
    assert {"code", "path", "message", "value"} <= set(found["errors"][0])


def test_numbers_are_counted_by_the_most_exact_source(run: Run, tmp_path: Path) -> None:
    scenario = scenarios.read("golden-toy")
    scenario["provenance"] = [
        {"table": "facilities", "kind": "assumed", "source": "judgement"},
        {
            "table": "facilities",
            "name": "offer CHN",
            "field": "cost_kusd_per_t",
            "kind": "published",
            "source": "a book",
        },
        {"table": "projects", "field": "tracks", "kind": "derived", "source": "sums"},
    ]
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps(scenario), encoding="utf-8")
    counts = json.loads(run("validate", path, "--json").out)["counts"]
    assert counts["numbers_published"] == 1
    # Output share, cost and capacity of one offer, output share of the other.
    assert counts["numbers_assumed"] == 4
    # Two lead times on each track, and one extra cost.
    assert counts["numbers_derived"] == 5
    assert counts["numbers_unsourced"] == 19


def test_init_writes_a_scenario_that_is_valid_and_never_replaces_one(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    assert run("init", folder).code == 0
    written = folder / "scenario.yaml"
    assert written.read_text(encoding="utf-8").startswith("#")
    assert run("validate", written).code == 0
    written.write_text("mine", encoding="utf-8")
    again = run("init", folder)
    assert again.code == 2
    assert "exists already" in again.err
    assert written.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_an_exported_scenario_is_the_same_scenario_with_its_changes(run: Run, tmp_path: Path, suffix: str) -> None:
    change = "routes.'metal CHN'.freight_kusd_per_t=3"
    path = tmp_path / f"copy.{suffix}"
    assert run("export", "golden-toy", "--set", change, "--out", path).code == 0
    assert scenarios.load(path) == scenarios.load("golden-toy", [scenarios.parse_set(change)])


def test_export_asks_for_an_ending_it_knows(run: Run, tmp_path: Path) -> None:
    shown = run("export", "golden-toy", "--out", tmp_path / "copy.xml")
    assert shown.code == 2
    assert ".yaml" in shown.err


# solve


def test_solve_as_json_prints_one_summary_and_nothing_else(run: Run) -> None:
    shown = run("solve", "golden-toy", "--json")
    assert shown.code == 0
    assert shown.err == ""
    found = Summary.model_validate_json(shown.out)
    assert found.objective_kusd == pytest.approx(TOY_OPTIMUM_KUSD, abs=1e-3)


def test_solve_says_what_to_do_and_what_it_costs(run: Run) -> None:
    shown = run("solve", "golden-toy", "--set", "projects.'home refinery'.forced_track=fast")
    assert shown.code == 0
    for said in ("home refinery", "fast", "Buy, make", "China", "Cost by term", "5.44 million USD"):
        assert said in shown.out
    assert "independent check agrees" in shown.out


def test_a_report_in_a_pipe_is_plain_text_of_eighty_columns(run: Run) -> None:
    out = run("solve", "golden-toy").out
    assert "\x1b" not in out
    assert max(len(line) for line in out.splitlines()) <= 80


def test_solve_writes_a_plan_and_a_csv_for_each_table(run: Run, tmp_path: Path) -> None:
    assert run("solve", "golden-toy", "--out", tmp_path / "plan", "--json").code == 0
    document = PlanDocument.model_validate_json((tmp_path / "plan/plan.json").read_text(encoding="utf-8"))
    report = (tmp_path / "plan/report.md").read_text(encoding="utf-8")
    assert report.startswith("# Four years of one metal, with a possible export ban")
    assert "| China | 100 | 200 | 0 | 100 |" in report
    described = json.loads((tmp_path / "plan/tables.json").read_text(encoding="utf-8"))
    assert {table.name for table in document.tables} == set(described)
    for table in document.tables:
        written = pd.read_csv(tmp_path / f"plan/{table.name}.csv")
        assert list(written.columns) == [column["name"] for column in described[table.name]["columns"]]
        assert len(written) == len(table.rows)


def test_no_text_in_a_csv_of_solve_is_run_by_a_spreadsheet(run: Run, tmp_path: Path) -> None:
    name = "=1+1"
    scenario = tmp_path / "hostile.yaml"
    run("export", "golden-toy", "--out", scenario)
    text = scenario.read_text(encoding="utf-8")
    scenario.write_text(text.replace("metal CHN", name), encoding="utf-8")
    assert run("solve", scenario, "--out", tmp_path / "plan", "--bom").code == 0
    text = (tmp_path / "plan/ship.csv").read_text(encoding="utf-8")
    assert text.startswith("\ufeffroute,")
    assert f"\n'{name}," in text
    assert f"\n{name}" not in text
    assert name in (tmp_path / "plan/plan.json").read_text(encoding="utf-8")


def test_an_unbounded_scenario_ends_with_1_and_shows_no_plan(run: Run) -> None:
    shown = run("solve", "golden-toy", "--set", "stockpiles.store.end_value_kusd_per_t=50")
    assert shown.code == 1
    assert "Unbounded" in shown.out
    assert "Start" not in shown.out


def test_an_infeasible_scenario_ends_with_3_and_says_what_clashes(run: Run) -> None:
    floor = "limits.floor={kind: service_floor, tiers: [military], served_share: 1}"
    no_supply = ["--set", "facilities.*.capacity_t_per_y=1", "--set", "projects.*.capacity_t_per_y=1"]
    shown = run("solve", "golden-toy", "--set", floor, *no_supply)
    assert shown.code == 3
    assert "nfeasible" in shown.out
    assert "floor" in shown.out


@pytest.mark.parametrize(
    ("termination", "solution", "code"),
    [
        ("optimal", "optimal", 0),
        ("infeasible", "none", 3),
        ("time_limit", "feasible", 4),
        ("interrupted", "feasible", 4),
        ("memory_limit", "feasible", 4),
        ("search_limit", "feasible", 4),
        ("time_limit", "none", 5),
        ("interrupted", "none", 5),
        ("unbounded", "none", 1),
        ("error", "none", 1),
        ("error", "feasible", 1),
    ],
)
def test_the_exit_code_tells_how_a_solve_ended(termination: str, solution: str, code: int) -> None:
    assert exit_of(summary(termination=termination, solution=solution)) == code


@pytest.mark.parametrize(
    ("termination", "code"), [("time_limit", 5), ("interrupted", 5), ("memory_limit", 5), ("error", 1)]
)
def test_what_keeps_the_limits_where_nothing_was_found_is_no_plan(termination: str, code: int) -> None:
    assert exit_of(summary(termination=termination, solution="feasible", nothing_found=True)) == code


def test_a_solve_that_found_no_plan_in_time_says_so_and_ends_with_5(run: Run) -> None:
    shown = run("solve", "golden-toy", "--time-limit", "0")
    assert "No plan was found" in shown.out
    # Neither as advice, nor held against itself.
    assert "The plan starts no project" not in shown.out
    assert "(doing nothing" not in shown.out
    assert shown.code == 5


def test_ctrl_c_asks_the_solver_to_stop_and_keeps_its_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGINT)
    really_solve = Problem.solve

    def when_stopped(problem: Problem, *, should_stop: Callable[[], bool], **_: Any) -> Plan:
        os.kill(os.getpid(), signal.SIGINT)
        wait_until(should_stop)
        return really_solve(problem, should_stop=should_stop)

    monkeypatch.setattr(Problem, "solve", when_stopped)
    plan = solve_with_progress("golden-toy", (), Limits())
    assert plan.summary.termination == "interrupted"
    assert signal.getsignal(signal.SIGINT) is before


def test_limits_and_changes_of_the_command_reach_the_solver(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[str, float, float]] = []

    def noting(problem: Problem, *, gap: float, time_limit_s: float, **_: Any) -> None:
        given.append((problem.scenario.description, gap, time_limit_s))
        raise OSError(5, "enough", "here")

    monkeypatch.setattr(Problem, "solve", noting)
    run("solve", "golden-toy", "--gap", "0.01", "--time-limit", "7", "--set", "description=other")
    assert given == [("other", 0.01, 7)]


def test_what_only_the_solver_finds_wrong_is_bad_input_with_place_and_remedy(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise InvalidInput(
            [InputProblem(code="no_flow_limit", path="routes.ore", message="no limit.", remedy="Set one.")]
        )

    monkeypatch.setattr(Problem, "solve", refuse)
    shown = run("solve", "golden-toy")
    assert (shown.code, shown.out) == (2, "")
    assert "routes.ore\n  no limit.\n  try:     Set one." in shown.err


# Words and numbers


def test_progress_is_one_line_with_the_gap() -> None:
    progress = SolverProgress(phase="search", elapsed_s=12.3, objective_kusd=1234.5, bound_kusd=1230.0, gap=0.00368)
    assert progress_text(progress) == "search  12 s   best plan 1.23 million USD   bound 1.23 million USD   gap 0.368 %"


def test_progress_is_rewritten_on_a_terminal_and_wiped_at_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with ProgressLine() as line:
        line(SolverProgress(phase="prepare", elapsed_s=0))
        line(SolverProgress(phase="search", elapsed_s=1))
    written = capsys.readouterr().err
    assert "\n" not in written
    assert written.split("\r\x1b[2K") == ["", "prepare  0 s", "search  1 s", ""]


def test_the_seconds_run_on_while_the_solver_is_silent(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with ProgressLine() as line:
        line.tick()
        line(SolverProgress(phase="search", elapsed_s=5))
        now[0] += 7
        line.tick()
    assert capsys.readouterr().err.split("\r\x1b[2K") == ["", "search  5 s", "search  12 s", ""]


# demo and README


def test_demo_takes_another_port_if_its_own_is_taken() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port
    assert free_port(port) == port


def test_serve_says_that_its_port_is_taken_before_it_does_anything_else(tmp_path: Path) -> None:
    """In a process of its own: `serve` sets up the logs of the whole process."""
    environment = {**os.environ, "LODEPLAN_DATA_DIR": str(tmp_path / "data"), "LODEPLAN_DATABASE_URL": ""}
    code = "from lodeplan.service.cli import main; main()"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-c", code, "serve", "--port", str(port)]
        ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"http://127.0.0.1:{port}/: another program is listening there; stop it, or choose another port with --port.\n"
    )
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
def test_demo_prints_one_url_that_answers_and_solves_only_once(tmp_path: Path) -> None:
    code = "from lodeplan.service.cli import demo; demo.SCENARIO = 'golden-toy'; demo.run_demo(0, False)"
    environment = {**os.environ, "LODEPLAN_DATA_DIR": str(tmp_path), "LODEPLAN_DATABASE_URL": ""}
    runs = []
    for attempt in range(2):
        server = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        assert server.stdout
        url = server.stdout.readline().strip()
        with urllib.request.urlopen(url, timeout=20) as page:
            assert page.status == 200
        server.send_signal(signal.SIGINT)
        out, err = server.communicate(timeout=30)
        assert out == ""
        assert ("Solving" in err) == (attempt == 0)
        assert "Traceback" not in err
        runs.append(url.rpartition("/")[2])
    assert runs[0] == runs[1]


def test_what_the_readme_shows_a_modeler_works(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## For a modeler")[2].partition("\n## ")[0]
    (shell,) = re.findall(r"^```sh\n(.+?)^```", section, re.MULTILINE | re.DOTALL)
    (python,) = re.findall(r"^```python\n(.+?)^```", section, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    for line in shell.splitlines():
        program, *arguments = line.split()
        assert program == "lodeplan"
        assert run(*arguments).code == 0
    exec(compile(python, "README.md", "exec"), {})
    assert shutil.which("lodeplan", path=str(Path(sys.executable).parent))


def test_the_command_is_the_module_too(run: Run, tmp_path: Path) -> None:
    module = [sys.executable, "-m", "lodeplan"]
    ran = subprocess.run([*module, "scenarios"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout == run("scenarios").out
    wrong = subprocess.run([*module, "solve", "golden-toyy"], cwd=tmp_path, capture_output=True, text=True)
    assert (wrong.returncode, "golden-toy`?" in wrong.stderr) == (2, True)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_serve_prints_the_url_with_the_real_port(
    run: Run, host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports: list[int] = []

    class Server:
        started = True

        def __init__(self, *_: object) -> None:
            pass

        def run(self, sockets: list[socket.socket]) -> None:
            ports.extend(each.getsockname()[1] for each in sockets)

    monkeypatch.setattr("lodeplan.service.app._Server", Server)
    monkeypatch.setenv("LODEPLAN_DATA_DIR", str(tmp_path))
    ran = run("serve", "--host", host, "--port", 0, "--no-workers")
    shown = f"[{host}]" if ":" in host else host
    assert ran.out.splitlines()[0] == f"http://{shown}:{ports[0]}/"


def test_a_gap_out_of_range_is_refused_by_the_name_of_its_option(run: Run) -> None:
    ran = run("solve", "golden-toy", "--gap", "5", "--time-limit", "-1")
    assert ran.code == 2
    assert "--gap\n  the gap is out of range" in ran.err
    assert "--time-limit\n  the time limit is out of range" in ran.err


def test_a_gap_out_of_range_hides_no_error_in_the_scenario(run: Run) -> None:
    ran = run("solve", "us-2025", "--gap", "5")
    assert ran.code == 2
    assert [line for line in ran.err.splitlines() if line.startswith(("--", "scenario"))] == ["--gap", "scenario"]
    with pytest.raises(InvalidInput) as refused:
        lodeplan.solve("us-2025", gap=5)
    assert [problem.path for problem in refused.value.problems] == ["gap", "scenario"]
