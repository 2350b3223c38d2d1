"""Known vulnerabilities of the packages in use: the file, and the command that reads and refreshes it."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tools import advisories

DATA = advisories.read()
ADVISORY = {"package": "toy", "id": "X-1", "ranges": [{"introduced": "1.2", "fixed": "1.4"}]}


def about(*found: dict[str, Any], acknowledged: list[dict[str, str]] | None = None) -> dict[str, Any]:
    return {"about": "", "refreshed_on": "2026-01-01", "acknowledged": acknowledged or [], "advisories": [*found]}


def test_no_version_in_use_is_affected_unless_it_is_acknowledged_with_a_reason() -> None:
    assert advisories.problems(DATA, [*advisories.locked(), *advisories.oldest_allowed()]) == []


def test_every_locked_package_is_looked_at() -> None:
    names = {(place, name) for place, name, _ in advisories.locked()}
    assert {("requirements.lock", "pyjwt"), ("requirements-dev.lock", "pytest")} <= names
    assert len(names) > 100
    assert ("pyproject.toml", "pyjwt") in {(place, name) for place, name, _ in advisories.oldest_allowed()}


def test_the_file_is_as_the_command_writes_it_and_says_where_its_content_is_from() -> None:
    assert advisories.FILE.read_text(encoding="utf-8") == advisories.text_of(DATA)
    assert DATA["sources"]
    keys = [(entry["package"], entry["id"]) for entry in DATA["advisories"]]
    assert keys == sorted(set(keys))
    for entry in DATA["advisories"]:
        for part in entry["ranges"]:
            assert [Version(version) for version in part.values()]


@pytest.mark.parametrize(
    ("version", "affected"), [("1.1", False), ("1.2", True), ("1.3.9", True), ("1.4", False), ("1.4rc1", True)]
)
def test_a_version_is_affected_from_where_the_fault_came_to_where_it_was_mended(version: str, affected: bool) -> None:
    said = advisories.problems(about(ADVISORY), [("a.lock", "toy", version), ("a.lock", "other", version)])
    assert said == ([f"a.lock: toy {version} is affected by X-1; fixed in 1.4."] if affected else [])


@pytest.mark.parametrize(
    ("reason", "version", "said"),
    [
        ("Not reached.", "1.2", []),
        ("", "1.2", ["X-1 is acknowledged without a reason"]),
        ("Not reached.", "1.4", ["Remove it"]),
    ],
)
def test_an_acknowledgement_has_a_reason_and_is_needed(reason: str, version: str, said: list[str]) -> None:
    data = about(ADVISORY, acknowledged=[{"id": "X-1", "package": "toy", "reason": reason}])
    found = advisories.problems(data, [("a.lock", "toy", version)])
    assert len(found) == len(said)
    assert all(part in line for part, line in zip(said, found, strict=True))


RECORD = {
    "id": "PYSEC-1",
    "aliases": ["CVE-1"],
    "details": "A text of somebody else.",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Toy"},
            "ranges": [
                {"type": "GIT", "events": [{"introduced": "0"}]},
                {
                    "type": "ECOSYSTEM",
                    "events": [{"introduced": "0"}, {"fixed": "1"}, {"introduced": "2"}, {"last_affected": "2.5"}],
                },
            ],
        },
        {"package": {"ecosystem": "npm", "name": "toy"}, "ranges": [{"type": "ECOSYSTEM", "events": []}]},
    ],
}


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_advisories_are_taken_over_from_a_database_without_its_texts(kind: str, tmp_path: Path) -> None:
    withdrawn = {**RECORD, "id": "PYSEC-2", "withdrawn": "2026-01-01T00:00:00Z"}
    files = {"a.json": json.dumps(RECORD), "b.yaml": json.dumps(withdrawn), "c.json": "[]", "d.md": "no advisory"}
    source = tmp_path / "source.zip"
    with zipfile.ZipFile(source, "w") as archive:
        for name, text in files.items():
            (tmp_path / name).write_text(text)
            archive.writestr(name, text)
    records = advisories.records_in(str(tmp_path if kind == "folder" else source))
    data = advisories.refreshed(about(ADVISORY), records, {"toy"}, "2026-02-03")
    ranges = [{"introduced": "0", "fixed": "1"}, {"introduced": "2", "last_affected": "2.5"}]
    assert data["advisories"] == [
        {"package": "toy", "id": "PYSEC-1", "aliases": ["CVE-1"], "ranges": ranges},
        ADVISORY,
    ]
    assert data["refreshed_on"] == "2026-02-03"
    assert [advisories.is_affected(version, data["advisories"][0]) for version in ("0.9", "1", "2.5", "2.6")] == [
        *(True, False, True, False)
    ]


def test_every_dependency_has_an_oldest_version() -> None:
    """Else one could be installed with a known fault."""
    bound = {name for _, name, _ in advisories.oldest_allowed()}
    project = advisories.tomllib.loads((advisories.ROOT / "pyproject.toml").read_text())["project"]
    assert {canonicalize_name(Requirement(text).name) for text in project["dependencies"]} <= bound
