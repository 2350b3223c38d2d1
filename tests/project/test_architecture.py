"""The rules between the parts of the project, read from its files."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest
from folders import ROOT

ROOMS = ("schemas", "scenarios", "optimizer", "service")
MAY_IMPORT = {
    "schemas": {"schemas"},
    "scenarios": {"schemas", "scenarios"},
    "optimizer": {"schemas", "scenarios", "optimizer"},
    "service": set(ROOMS),
}
ONLY_IN = {
    "dbos": ("service/engine/dbos.py",),
    "croniter": ("service/cron.py",),
    "pyomo": ("optimizer/model/*", "optimizer/solver/*"),
    "highspy": ("optimizer/solver/*",),
    "fastapi": ("service/*",),
    "sqlmodel": ("service/*",),
    "opentelemetry": ("service/telemetry/tracing.py",),
    "prometheus_client": ("service/telemetry/*", "service/api/routers/metrics.py", "service/workers/worker.py"),
    "typer": ("service/cli/*",),
}
SHARED_WITH_CHECK = {"optimizer.prepare.units"}
IN_SCENARIOS = {
    "selections": set[str](),
    "reading": set[str](),
    "rules": {"selections"},
    "plausibility": {"selections", "rules"},
    "patching": {"reading"},
}
"""The rooms within `scenarios`, and which of them each may import. Modules beside them put these together."""

IN_SERVICE = {
    "settings": set[str](),
    "kinds": set[str](),
    "children": set[str](),
    "packing": set[str](),
    "cron": set[str](),
    "engine": set[str](),
    "storage": {"kinds", "packing", "engine"},
    "telemetry": {"storage"},
    "http": {"kinds", "storage", "telemetry"},
    "access": {"settings", "cron", "storage", "http"},
    "webhooks": {"settings", "storage", "http"},
    "jobs": {"kinds", "packing", "engine", "storage", "telemetry", "webhooks"},
    "checking": {"kinds", "children", "packing", "cron", "telemetry", "http", "jobs"},
    "workers": {
        *("kinds", "settings", "children", "cron", "engine", "storage", "telemetry", "http", "access"),
        *("webhooks", "jobs", "checking"),
    },
    "operations": {"settings", "packing", "engine", "storage", "jobs", "workers"},
    "api": {
        *("kinds", "settings", "packing", "engine", "storage", "telemetry", "http", "access", "webhooks", "jobs"),
        *("cron", "checking"),
    },
    "ui": {"kinds", "storage", "http", "access", "checking", "api"},
    "app": {"settings", "engine", "storage", "telemetry", "http", "access", "checking", "workers", "api", "ui"},
    "cli": {
        *("settings", "engine", "storage", "telemetry", "http", "access", "jobs", "workers", "operations", "app"),
    },
}
"""The rooms of the service from the ground up, each with those below it that it imports."""

IN_OPTIMIZER = {
    "prepare": set[str](),
    "check": set[str](),
    "expand": {"prepare"},
    "model": {"prepare"},
    "words": {"model"},
    "tables": {"words"},
    "plan": {"tables"},
    "decisions": {"plan", "words"},
    "figures": {"decisions", "plan", "prepare", "tables", "words"},
    "report": {"figures", "plan", "prepare", "tables", "words"},
    "studies": {"decisions", "expand", "plan", "prepare", "report", "words"},
    "solver": {"model", "plan", "prepare"},
    "progress": {"solver"},
    "certificate": {"prepare", "solver"},
    "results": {"model", "plan", "prepare", "solver", "tables", "words"},
    "memory": {"prepare", "results"},
    "perfect_information": {"prepare", "results", "solver"},
    "change": {"prepare"},
    "problem": {
        *(
            "certificate",
            "change",
            "check",
            "expand",
            "model",
            "memory",
            "perfect_information",
            "plan",
            "prepare",
            "progress",
            "results",
        ),
        "solver",
    },
    "planning": {"plan", "problem", "progress"},
}
"""The rooms of the optimizer from the ground up, each with those below it that it imports."""
UPWARD = {("plan", "report")}
"""A notebook asks a plan to show itself; it then asks the report, which reads plans."""
FACES = {
    # All of it is vocabulary.
    "schemas": ("schemas", "schemas.*"),
    "scenarios": (
        "scenarios",
        "scenarios.reading",  # documents that hold a scenario, or a request, and what is wrong with them in words
        "scenarios.patching",  # how much patches may do
        "scenarios.selections",  # which things a list of names means
        "scenarios.validation",  # warnings, and how they read
        "scenarios.counts",  # how much there is, and from which sources
        "scenarios.changes",  # what differs between two, value by value
    ),
    # Beside its names: what holds a module a subject, and what verifies; none of it loads the solver.
    "optimizer": (
        "optimizer",
        "optimizer.certificate.verify",
        "optimizer.figures",
        "optimizer.report.*",
        "optimizer.studies.*",
        "optimizer.words.*",
    ),
    # Others use it by its commands and over HTTP.
    "service": ("service.settings",),
    "optimizer.certificate": ("optimizer.certificate.verify", "optimizer.certificate.writing"),
    "optimizer.check": ("optimizer.check",),
    "optimizer.expand": ("optimizer.expand",),
    "optimizer.figures": ("optimizer.figures",),
    "optimizer.solver": ("optimizer.solver",),
    "service.engine": ("service.engine", "service.engine.dbos"),  # the port, and the engine that is put behind it
}
"""The public face of each room, and of rooms within rooms that have one: the modules that others may import."""
HELD_TO_FACES = (*ROOMS, ".package/lodeplan/__init__.py", "tools", "benchmarks", "examples")
"""Tests may reach in."""
MAY_REACH_IN = {
    "tools/math_page.py": "optimizer.*",  # writes the page about the model's inside
    "tools/worths.py": "optimizer.model.balances",  # finds the rows of a constraint by its name
    "tools/operations_page.py": "service.telemetry.*",  # lists the metrics
    "tools/stored_databases.py": "service.*",  # leaves what only a worker that died leaves
    "benchmarks/search.py": "optimizer.solver",  # chooses which of the searches it runs
    "benchmarks/sweep.py": "optimizer.solver",  # solves the relaxation of a point by itself
    "benchmarks/service/*": "service.*",  # freeze, kill and replace parts of the service
}
"""Files that need the inside of a room, and what of it."""

FOR_CLIENTS = ("jobs", "batches", "webhooks", "keys", "audit", "idempotency", "quotas", "schedules")
"""The modules of storage that read for a client: each query takes the tenant, or a row that was found by it."""
FOR_THE_SERVICE = {"moves", "upkeep", "leases", "deliveries", "copying", "going_back"}
"""Those that read over all tenants; what answers requests imports none of them."""
OF_ALL_TENANTS = {
    "keys.get_key": "somebody shows the key, and the tenant follows from it",
    "keys.any_key": "whether the service asks for a log-in",
    "keys.any_usable_key": "whether anybody could log in",
    "keys.delete_ended_sessions": "sessions that are over, whoever's",
}
ROWS = ("Job", "Webhook", "ApiKey", "Schedule", "Sequence[Job]")
NO_STATEMENT = {"Session", "Engine", "Connection", "Row"}
RUNS_A_STATEMENT = {"exec", "execute", "exec_driver_sql", "scalar", "scalars"}


@cache
def tracked_files() -> tuple[Path, ...]:
    """Files of the repository, or all that are no build products where it is not a git checkout."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return tuple(path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file())
    hidden = (".venv", "__pycache__", ".egg-info", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")
    return tuple(
        path for path in ROOT.rglob("*") if path.is_file() and not any(part.endswith(hidden) for part in path.parts)
    )


def python_files(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


@cache
def imports_of(path: Path) -> tuple[str, ...]:
    """Every module a file imports, wherever in the file; relative imports as absolute ones, ours by their room."""
    return tuple(name.removeprefix("lodeplan.") for name in _imports_of(path))


def _imports_of(path: Path) -> Iterator[str]:
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            # `from optimizer import prepare` imports the module of that name too.
            yield from (f"{module}.{alias.name}" for alias in node.names)


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_the_rooms_it_may(room: str) -> None:
    assert python_files(room), f"no files in {room}"
    forbidden = set(ROOMS) - MAY_IMPORT[room]
    found = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in python_files(room)
        for module in imports_of(path)
        if module.split(".")[0] in forbidden
    ]
    assert found == []


@pytest.mark.parametrize("room", IN_SCENARIOS)
def test_a_room_of_scenarios_imports_only_the_rooms_it_may(room: str) -> None:
    paths = [*python_files(f"scenarios/{room}"), *(ROOT / "scenarios").glob(f"{room}.py")]
    may = {room, *IN_SCENARIOS[room]}
    assert paths, f"no files in {room}"
    found = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in paths
        for module in imports_of(path)
        if module == "scenarios" or (within(module, "scenarios") and module.split(".")[1] not in may)
    ]
    assert found == []


def test_every_folder_of_scenarios_is_a_room_or_holds_data_alone() -> None:
    folders = {path.parent.relative_to(ROOT / "scenarios").parts[:1] for path in python_files("scenarios")}
    assert {name for parts in folders for name in parts} == {*IN_SCENARIOS} - {"selections"}


def test_the_vocabulary_needs_pydantic_and_nothing_else() -> None:
    modules = {module.split(".")[0] for path in python_files("schemas") for module in imports_of(path)}
    assert modules - sys.stdlib_module_names == {"schemas", "pydantic", "pydantic_core"}


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_imported_only_where_it_may_be(library: str) -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in python_files(room)
        if any(within(module, library) for module in imports_of(path))
    }
    assert users, f"nothing imports {library}: is it still needed?"
    assert [user for user in users if not any(fnmatch(user, pattern) for pattern in ONLY_IN[library])] == []


def test_our_modules_have_one_name() -> None:
    """A room imported as `optimizer` would be loaded a second time beside `lodeplan.optimizer`."""
    found = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in tracked_files()
        if path.suffix == ".py"
        for module in _imports_of(path)
        if module.split(".")[0] in ROOMS
    ]
    assert found == []


ONE_NAME = """
import sys
files = {}
for name, module in list(sys.modules.items()):
    path = getattr(module, "__file__", None)
    if path and name != "__main__":
        files.setdefault(__import__("os").path.realpath(path), []).append(name)
ours = {name for names in files.values() for name in names if name.split(".")[0] == "lodeplan"}
twice = [names for names in files.values() if len(names) > 1 and ours & {*names}]
stray = [name for name in sys.modules if name.split(".")[0] in ("schemas", "scenarios", "optimizer", "service")]
print(len(ours), twice, stray)
"""


@pytest.mark.parametrize(
    "started",
    [
        "import lodeplan; lodeplan.solve('golden-toy')",
        "from lodeplan.service.cli import main\ntry: main(['solve', 'golden-toy'])\nexcept SystemExit: pass",
        "import lodeplan.service.app, lodeplan.service.workers.worker, lodeplan.service.workers.child",
    ],
    ids=["Python", "command", "service, worker and child"],
)
def test_no_module_is_loaded_under_two_names(started: str, tmp_path: Path) -> None:
    """Nor is a folder of the current directory taken for a room, whatever it is called."""
    for room in (*ROOMS, "lodeplan"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text("raise ImportError('not ours')")
    ran = subprocess.run(
        [sys.executable, "-P", "-c", f"{started}\n{ONE_NAME}"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    count, _, found = ran.stdout.splitlines()[-1].partition(" ")
    assert int(count) > 50
    assert found == "[] []"


def test_no_test_loads_a_module_under_two_names() -> None:
    """Seen in the process that runs this test, whatever it has run before."""
    assert [name for name in sys.modules if name.split(".")[0] in ROOMS] == []


def service_files() -> Iterator[tuple[str, Path]]:
    """The files of the service, each with its room, or its own name at the root."""
    for path in python_files("service"):
        first = path.relative_to(ROOT / "service").parts[0].removesuffix(".py")
        if first != "__init__":
            yield first, path


def modules_of(path: Path) -> set[str]:
    """The modules of ours that a file imports, not what it takes from them."""
    return {
        module
        for module in imports_of(path)
        if (ROOT / Path(*module.split("."))).is_dir() or (ROOT / Path(*module.split("."))).with_suffix(".py").is_file()
    }


def test_the_rooms_of_the_service_stand_in_one_order() -> None:
    lower: set[str] = set()
    for room, imported in IN_SERVICE.items():
        assert imported <= lower, f"{room} may import a room that is not below it"
        lower.add(room)
    assert {room for room, _ in service_files()} == set(IN_SERVICE)


@pytest.mark.parametrize("room", IN_SERVICE)
def test_a_room_of_the_service_imports_only_those_it_may(room: str) -> None:
    used = {
        module.split(".")[1]: f"{path.relative_to(ROOT)} imports {module}"
        for first, path in service_files()
        if first == room
        for module in modules_of(path)
        if module.startswith("service.")
    }
    assert {other: found for other, found in used.items() if other not in IN_SERVICE[room] | {room}} == {}
    assert IN_SERVICE[room] - used.keys() == set(), "it may import what it does not"


def test_a_process_that_checks_requests_loads_neither_web_framework_nor_database_nor_solver() -> None:
    code = "import sys, lodeplan.service.checking.checks, lodeplan.service.checking.tasks; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    heavy = {"fastapi", "sqlalchemy", "dbos", "pyomo", "highspy", "numpy", "pandas"}
    assert heavy & {*ran.stdout.split()} == set()


def optimizer_files() -> list[tuple[str, Path]]:
    """Files of the optimizer with the room they are in."""
    return [
        (path.relative_to(ROOT / "optimizer").parts[0].removesuffix(".py"), path)
        for path in python_files("optimizer")
        if path.name != "__init__.py" or path.parent != ROOT / "optimizer"
    ]


def test_the_rooms_of_the_optimizer_stand_in_one_order() -> None:
    lower: set[str] = set()
    for room, imported in IN_OPTIMIZER.items():
        assert imported <= lower, f"{room} may import a room that is not below it"
        lower.add(room)
    assert {room for room, _ in optimizer_files()} == set(IN_OPTIMIZER)


@pytest.mark.parametrize("room", IN_OPTIMIZER)
def test_a_room_of_the_optimizer_imports_only_those_it_may(room: str) -> None:
    used = {
        module.split(".")[1]: f"{path.relative_to(ROOT)} imports {module}"
        for first, path in optimizer_files()
        if first == room
        for module in modules_of(path)
        if module.startswith("optimizer.")
    }
    may = IN_OPTIMIZER[room] | {above for below, above in UPWARD if below == room} | {room}
    assert {other: found for other, found in used.items() if other not in may} == {}
    assert may - {room} - used.keys() == set(), "it may import what it does not"


def reached(room: str) -> dict[str, list[str]]:
    """The modules of a room that files outside it import, each with these files."""
    found: dict[str, list[str]] = {}
    for top in HELD_TO_FACES:
        for path in python_files(top) if (ROOT / top).is_dir() else [ROOT / top]:
            name = path.relative_to(ROOT).as_posix()
            for module in modules_of(path):
                if within(module, room) and not name.startswith(room.replace(".", "/") + "/"):
                    found.setdefault(module, []).append(name)
    return found


def is_of(face: str, module: str) -> bool:
    """Whether a face has a module: `report.*` has the modules of `report`, by their names or taken from the package."""
    return fnmatch(module, face) or module == face.removesuffix(".*")


def may_reach(name: str, module: str) -> bool:
    return any(fnmatch(name, file) and is_of(inside, module) for file, inside in MAY_REACH_IN.items())


@pytest.mark.parametrize("room", FACES)
def test_others_import_of_a_room_only_its_face(room: str) -> None:
    found = reached(room)
    inside = [
        f"{name} imports {module}"
        for module, names in found.items()
        if not any(is_of(face, module) for face in FACES[room])
        for name in names
        if not may_reach(name, module)
    ]
    assert sorted(inside) == []
    unused = [face for face in FACES[room] if not any(is_of(face, module) for module in found)]
    assert unused == [], "a face that nobody needs"


def test_a_face_says_what_is_public() -> None:
    """A package that others import from lists its names."""
    silent = [
        face
        for face in {face for faces in FACES.values() for face in faces}
        if (file := ROOT / Path(*face.split(".")) / "__init__.py").is_file()
        and "\n__all__ = [" not in file.read_text(encoding="utf-8")
    ]
    assert silent == []


def test_nothing_may_reach_in_that_does_not() -> None:
    idle = [
        file
        for file, inside in MAY_REACH_IN.items()
        if not any(is_of(inside, module) for path in ROOT.glob(file) for module in modules_of(path))
    ]
    assert idle == []


def statements_in(path: Path) -> Iterator[str]:
    """Where a file makes or runs a statement: names of SQLAlchemy that are no types or errors, and calls that run."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("sqlalchemy", "sqlmodel"):
            if node.module != "sqlalchemy.exc":
                yield from (alias.name for alias in node.names if alias.name not in NO_STATEMENT)
        elif isinstance(node, ast.Attribute):
            whose = ast.unparse(node.value)
            is_made = whose in ("sqlalchemy", "sqlmodel") and node.attr not in {*NO_STATEMENT, "exc"}
            is_read = whose == "session" and node.attr in ("get", "get_one", "merge")
            if is_made or is_read or node.attr in RUNS_A_STATEMENT:
                yield f"{whose}.{node.attr}"


def test_sql_stands_in_storage_alone() -> None:
    outside = [path for room, path in service_files() if room != "storage"]
    assert [f"{path.relative_to(ROOT)}: {found}" for path in outside for found in statements_in(path)] == []
    assert any(statements_in(ROOT / "service/storage/jobs.py")), "the search finds no SQL where there is some"


def test_a_query_for_a_client_takes_the_tenant_or_a_row_found_by_it() -> None:
    found, excepted = [], set[str]()
    for module in FOR_CLIENTS:
        tree = ast.parse((ROOT / f"service/storage/{module}.py").read_text(encoding="utf-8"))
        for node in tree.body:
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            name, arguments = f"{module}.{node.name}", node.args.args
            assert arguments[0].arg == "session", name
            second = arguments[1] if len(arguments) > 1 else None
            takes = second and (second.arg == "tenant" or ast.unparse(second.annotation or second) in ROWS)
            if name in OF_ALL_TENANTS:
                excepted.add(name)
            elif not takes:
                found.append(name)
    assert found == []
    assert excepted == OF_ALL_TENANTS.keys()


def test_what_answers_requests_reads_nothing_over_all_tenants() -> None:
    hidden = {f"service.storage.{module}" for module in FOR_THE_SERVICE}
    found = [
        f"{path.relative_to(ROOT)} imports {module}"
        for room, path in service_files()
        if room in ("access", "api", "http", "ui")
        for module in modules_of(path) & hidden
    ]
    assert found == []


def test_every_step_of_the_tables_since_the_first_release_leads_back_too() -> None:
    """`tests/service/test_going_back.py` goes them."""
    steps = sorted((ROOT / "service/storage/migrations/versions").glob("[0-9]*.py"))
    assert steps
    assert [step.name for step in steps if step.name > "0005" and "\ndef downgrade()" not in step.read_text()] == []


LOADED = """
import sys
print(sorted({"pyomo", "highspy", "scipy", "scipy.stats", "pyomo.environ"} & sys.modules.keys()))
"""


@pytest.mark.parametrize(
    ("started", "loaded"),
    [
        ("import lodeplan.service.app", []),
        ("import lodeplan.service.workers.worker", []),
        ("import lodeplan.service.cli.solving, lodeplan.service.cli.report", []),
        ("from lodeplan.optimizer import Plan, PlanError, figures", []),
        ("import lodeplan; lodeplan.solve('golden-toy')", ["highspy", "pyomo", "scipy"]),
    ],
    ids=["web process", "worker", "command", "a reader of plans", "a solve"],
)
def test_a_process_loads_of_the_solver_only_what_it_uses(started: str, loaded: list[str]) -> None:
    ran = subprocess.run([sys.executable, "-P", "-c", started + LOADED], capture_output=True, text=True, check=True)
    assert ast.literal_eval(ran.stdout) == loaded


def test_patterns_are_read_in_one_way() -> None:
    """To `fnmatch`, `[` and `?` in a name would be signs."""
    paths = [path for room in ROOMS for path in python_files(room)]
    assert [str(path) for path in paths if "fnmatch" in imports_of(path)] == []


def test_the_check_shares_no_code_with_what_it_checks() -> None:
    checked = [f"optimizer.{part}" for part in ("prepare", "model", "solver", "results")]
    checked += ["scenarios", "schemas.patterns"]
    assert all((ROOT / part.replace(".", "/")).exists() for part in checked[:-1])
    found = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in python_files("optimizer/check")
        for module in imports_of(path)
        if any(within(module, part) for part in checked)
        and not any(within(module, shared) for shared in SHARED_WITH_CHECK)
    ]
    assert found == []


def test_every_dependency_is_locked_with_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {"requirements.lock": project["dependencies"]}
    extras = [name for extra in project["optional-dependencies"].values() for name in extra]
    wanted["requirements-dev.lock"] = [*project["dependencies"], *extras]
    for lock, requirements in wanted.items():
        text = (ROOT / lock).read_text()
        locked = set(re.findall(r"^([a-z0-9-]+)(?:\[[^]]*\])?==", text, re.MULTILINE))
        missing = {normal_name(requirement) for requirement in requirements} - locked
        assert missing == set(), f"write {lock} again, as CONTRIBUTING.md says"
        assert "setuptools" in locked
        unhashed = re.findall(r"^\S+==.*(?<!\\)$", text, re.MULTILINE)
        assert unhashed == []


def test_both_locks_give_the_same_versions() -> None:
    user, developer = (
        dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))
        for lock in ("requirements.lock", "requirements-dev.lock")
    )
    assert user.items() <= developer.items()


def normal_name(requirement: str) -> str:
    """The name of a requirement as locks spell it."""
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name
    return re.sub(r"[-_.]+", "-", name.group()).lower()


def test_files_name_no_package_registry_and_no_place_on_a_machine() -> None:
    # In parts, so that this file does not hold what it looks for.
    registries = ["pypi" + ".org", "pythonhosted" + ".org", "registry.npmjs" + ".org", "deb.debian" + ".org"]
    machine = re.compile(r"(?<![\w.])/(?:" + "|".join(["root", "work", "home/\\w+", "Users/\\w+"]) + r")/")
    found = []
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [f"{path.relative_to(ROOT)}: {registry}" for registry in registries if registry in text]
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in machine.finditer(text)]
    assert found == []


def test_every_data_file_is_part_of_the_package() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    left_out = [
        path.relative_to(ROOT).as_posix()
        for path in tracked_files()
        if (room := path.relative_to(ROOT).parts[0]) in ROOMS
        and path.suffix != ".py"
        and not any(fnmatch(path.name, pattern.removeprefix("**/")) for pattern in patterns.get(f"lodeplan.{room}", []))
    ]
    assert left_out == []


def test_ci_runs_the_readme_command_for_tests() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^<!-- command: (\w+) -->\n```sh\n(.+?)\n```$", readme, re.MULTILINE | re.DOTALL)
    assert [name for name, _ in found] == ["demo", "tests"]
    command = dict(found)["tests"]
    assert "requirements-dev.lock" in command
    assert command.endswith("pytest")
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    function = re.search(r"^readme_command\(\) \{.*?^\}", script, re.MULTILINE | re.DOTALL)
    assert function
    shown = subprocess.run(
        ["bash", "-c", f"{function.group()}\nreadme_command tests"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip() == command
    assert "readme_command tests" in script


def test_ci_ends_within_ninety_minutes_whatever_hangs() -> None:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    limits_min = [int(minutes) for minutes in re.findall(r"timeout (?:-k \d+ )?(\d+)m ", script)]
    assert len(limits_min) == 8
    assert sum(limits_min) <= 85


def test_every_page_of_the_documentation_can_be_found_from_its_index() -> None:
    docs = ROOT / "docs"
    index = (docs / "index.md").read_text(encoding="utf-8")
    linked = {(docs / target).resolve() for target in re.findall(r"\]\(([^)#]+\.md)\)", index)}
    pages = {path.resolve() for path in docs.rglob("*.md")} - {(docs / "index.md").resolve()}
    assert linked == pages
