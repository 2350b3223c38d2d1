"""The installed package: its wheel has all that it needs, and no tools or facts."""

import csv
import json
import os
import shutil
import subprocess
import sys
import tomllib
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from test_architecture import ROOMS, ROOT, tracked_files

from tools.advisories import locked

pytestmark = pytest.mark.slow


def built(folder: Path, **environment: str) -> Path:
    """A wheel of this state. Built from a copy, as a build leaves files behind that the next one would take up."""
    for path in tracked_files():
        copy = folder / "source" / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    package = folder / "source/.package/lodeplan"
    for room in ROOMS:
        (package / room).unlink(missing_ok=True)
        (package / room).symlink_to(Path("../..") / room)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    command = [*build, "-w", str(folder), str(folder / "source")]
    subprocess.run(command, check=True, env={**os.environ, **environment})
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("wheel"), SOURCE_DATE_EPOCH=str(MOMENT))


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The folder with all that it installs."""
    with ZipFile(wheel) as archive:
        archive.extractall(wheel.parent / "installed")
    return wheel.parent / "installed"


MOMENT = 1_795_996_800
"""30 November 2026, seconds since 1970."""


def test_two_builds_from_two_folders_at_different_times_are_the_same_to_the_byte(wheel: Path, tmp_path: Path) -> None:
    # Every file of the second copy has a later date, other rights, and another order on the disk.
    before = os.umask(0o077)
    try:
        other = built(tmp_path / "elsewhere", SOURCE_DATE_EPOCH=str(MOMENT))
    finally:
        os.umask(before)
    assert other.read_bytes() == wheel.read_bytes()
    with ZipFile(wheel) as archive:
        assert {item.date_time for item in archive.infolist()} == {(2026, 11, 30, 0, 0, 0)}


def test_the_record_of_the_wheel_is_right(installed: Path) -> None:
    (record,) = installed.glob("*.dist-info/RECORD")
    lines = list(csv.reader(record.read_text(encoding="utf-8").splitlines()))
    for name, digest, size in lines[:-1]:
        content = (installed / name).read_bytes()
        assert int(size) == len(content)
        assert digest == "sha256=" + urlsafe_b64encode(sha256(content).digest()).decode().rstrip("=")
    assert lines[-1] == [record.relative_to(installed).as_posix(), "", ""]
    assert len(lines) == sum(1 for path in installed.rglob("*") if path.is_file())


def test_the_bill_of_materials_names_what_is_locked_and_what_is_bundled(installed: Path) -> None:
    (file,) = installed.glob("*.dist-info/sboms/*.cdx.json")
    bill = json.loads(file.read_text(encoding="utf-8"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["version"] == version(installed)
    bundle, *packages = bill["components"]
    lock = {(name, found) for place, name, found in locked() if place == "requirements.lock"}
    assert {(part["name"], part["version"]) for part in packages} == lock
    assert [part["name"] for part in packages if part["scope"] == "excluded"] == ["setuptools"]
    assert sha256((installed / bundle["name"]).read_bytes()).hexdigest() == bundle["hashes"][0]["content"]
    assert [part["name"] for part in bundle["components"]] == ["vega", "vega-lite", "vega-embed"]
    used = {entry["ref"]: entry["dependsOn"] for entry in bill["dependencies"]}
    assert set(used) | {bundle["bom-ref"]} == {part for parts in used.values() for part in parts} | {
        bill["metadata"]["component"]["bom-ref"]
    }
    wanted = {part.partition("@")[0] for part in used["pkg:pypi/lodeplan@" + version(installed)]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    assert {f"pkg:pypi/{name}" for name in names} <= wanted
    assert "://" not in file.read_text(encoding="utf-8"), "it names no host"


def test_bundled_scripts_are_the_only_files_of_others() -> None:
    scripts = [path for path in tracked_files() if path.suffix in (".js", ".wasm", ".so", ".woff2")]
    others = [path for path in scripts if path.relative_to(ROOT).parts[0] in ROOMS and path.name != "figures.js"]
    assert [path.name for path in others] == ["vega-bundle.js"]


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
