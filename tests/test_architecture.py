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

ROOT = Path(__file__).parent.parent
ROOMS = ("schemas", "scenarios", "optimizer", "service")
MAY_IMPORT = {
    "schemas": {"schemas"},
    "scenarios": {"schemas", "scenarios"},
    "optimizer": {"schemas", "scenarios", "optimizer"},
    "service": set(ROOMS),
}
ONLY_IN = {
    "dbos": ("service/engine/dbos.py",),
    "pyomo": ("optimizer/model/*", "optimizer/solver/*"),
    "highspy": ("optimizer/solver/*",),
    "fastapi": ("service/*",),
    "sqlmodel": ("service/*",),
    "opentelemetry": ("service/telemetry/tracing.py",),
    "prometheus_client": ("service/telemetry/*", "service/api/routers/metrics.py", "service/workers/worker.py"),
    "typer": ("service/cli/*",),
}
SHARED_WITH_CHECK = {"optimizer.prepare.units"}


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


LOADED = """
import sys
print(sorted({"pyomo", "highspy", "scipy", "scipy.stats"} & sys.modules.keys()))
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
    assert len(limits_min) == 7
    assert sum(limits_min) <= 85


def test_every_page_of_the_documentation_can_be_found_from_its_index() -> None:
    docs = ROOT / "docs"
    index = (docs / "index.md").read_text(encoding="utf-8")
    linked = {(docs / target).resolve() for target in re.findall(r"\]\(([^)#]+\.md)\)", index)}
    pages = {path.resolve() for path in docs.rglob("*.md")} - {(docs / "index.md").resolve()}
    assert linked == pages
