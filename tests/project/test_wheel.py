"""The installed package: its wheel has all that it needs, and no tools or facts."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest
from test_architecture import ROOMS, ROOT, tracked_files

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with all that a wheel of this state installs. Built from a copy, as a build leaves files behind that
    the next one would take up."""
    folder = tmp_path_factory.mktemp("wheel")
    for path in tracked_files():
        copy = folder / "source" / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    package = folder / "source/.package/lodeplan"
    for room in ROOMS:
        (package / room).unlink(missing_ok=True)
        (package / room).symlink_to(Path("../..") / room)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "-w", str(folder), str(folder / "source")], check=True)
    (wheel,) = folder.glob("*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def test_the_wheel_has_the_files_of_the_rooms_and_no_others(installed: Path) -> None:
    files = {PurePosixPath(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()}
    ours = {path for path in files if path.parts[0] == "lodeplan"}

    assert {path.parts[0] for path in files - ours} == {f"lodeplan-{version(installed)}.dist-info"}
    assert ours == {
        PurePosixPath("lodeplan") / path.relative_to(ROOT).as_posix()
        for path in tracked_files()
        if path.relative_to(ROOT).parts[0] in ROOMS
    } | {PurePosixPath("lodeplan") / name for name in ("__init__.py", "__main__.py", "py.typed")}


def test_the_wheel_has_neither_the_build_of_shipped_data_nor_its_facts(installed: Path) -> None:
    parts = {part for path in installed.rglob("*") for part in path.relative_to(installed).parts}

    assert parts & {"facts", "build", "us_2026_build", "tools"} == set()
    shipped = [installed / "lodeplan/scenarios" / name for name in ("us_2026", "us_base_2024", "library", "examples")]
    assert [path for folder in shipped for path in folder.rglob("*.py")] == []


def test_the_wheel_lists_shipped_scenarios_and_loads_them(installed: Path, tmp_path: Path) -> None:
    """`us-2026-lite` and `us-base-2024` between them read both folders of tables."""
    listed = json.loads(
        run("from lodeplan.service.cli import main; main(['scenarios', '--json'])", installed, tmp_path)
    )
    load = "import lodeplan; print(lodeplan.__file__, *(lodeplan.load(name).name for name in {}))"
    names = ["golden-toy", "us-2026-lite", "us-base-2024"]
    place, *loaded = run(load.format(names), installed, tmp_path).split()

    assert Path(place).is_relative_to(installed)
    assert loaded == names
    assert {*names} < {item["name"] for item in listed}
    assert len(listed) == sum(1 for _ in shipped_heads())


def shipped_heads() -> Iterator[Path]:
    """The file with the name of each shipped scenario."""
    for pattern in ("*/scenario.yaml", "library/*.yaml", "examples/*.yaml"):
        yield from (ROOT / "scenarios").glob(pattern)


def run(code: str, installed: Path, folder: Path) -> str:
    """What Python code prints that sees the installed package before the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-P", "-c", code]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


def version(installed: Path) -> str:
    (metadata,) = installed.glob("*.dist-info/METADATA")
    return next(line for line in metadata.read_text().splitlines() if line.startswith("Version: ")).split()[1]
