"""Known vulnerabilities of the locked packages, from `.ci/advisories.json`; needs no network.

python -m tools.advisories                        # exit code 1, and a line each, if a locked version is affected
python -m tools.advisories --refresh SOURCE       # take over advisories from a database in the OSV format

SOURCE is a folder (such as a clone of a database of advisories), a .zip file, or the https address of one; when it is
left out, the environment variable LODEPLAN_ADVISORIES. Identifiers and ranges are taken over, no texts.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import sys
import tomllib
import urllib.request
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / ".ci/advisories.json"
LOCKS = ("requirements.lock", "requirements-dev.lock")
Data = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """A version that may be used here and is in the range of an advisory."""

    place: str
    package: str
    version: str
    advisory: Data

    def __str__(self) -> str:
        names = ", ".join([self.advisory["id"], *self.advisory.get("aliases", [])])
        fixed = ", ".join(r["fixed"] for r in self.advisory["ranges"] if "fixed" in r) or "no version that is known"
        return f"{self.place}: {self.package} {self.version} is affected by {names}; fixed in {fixed}."


def read(file: Path = FILE) -> Data:
    """The advisories, and those that were acknowledged with a reason."""
    found: Data = json.loads(file.read_text(encoding="utf-8"))
    return found


def locked(root: Path = ROOT) -> Iterator[tuple[str, str, str]]:
    """Lock file, name and version of each locked package."""
    for lock in LOCKS:
        for name, version in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", (root / lock).read_text(encoding="utf-8"), re.M):
            yield lock, canonicalize_name(name), version


def oldest_allowed(root: Path = ROOT) -> Iterator[tuple[str, str, str]]:
    """`pyproject.toml`, name and oldest version of each dependency that it allows."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    for requirement in (Requirement(text) for group in groups for text in group):
        for bound in requirement.specifier:
            if bound.operator in (">=", "=="):
                yield "pyproject.toml", canonicalize_name(requirement.name), bound.version


def is_affected(version: str, advisory: Data) -> bool:
    """True if a version is in a range of an advisory."""
    found = Version(version)
    return any(
        found >= Version(part.get("introduced", "0"))
        and ("fixed" not in part or found < Version(part["fixed"]))
        and ("last_affected" not in part or found <= Version(part["last_affected"]))
        for part in advisory["ranges"]
    )


def findings(data: Data, versions: Iterable[tuple[str, str, str]]) -> list[Finding]:
    """Every version that is in the range of an advisory, acknowledged or not."""
    return [
        Finding(place, name, version, advisory)
        for place, name, version in versions
        for advisory in data["advisories"]
        if advisory["package"] == name and is_affected(version, advisory)
    ]


def problems(data: Data, versions: Iterable[tuple[str, str, str]]) -> list[str]:
    """What has to be looked at: affected versions that nobody has acknowledged, and acknowledgements without a reason
    or without need."""
    found = findings(data, versions)
    acknowledged = {(entry["id"], entry["package"]): entry["reason"] for entry in data["acknowledged"]}
    needed = {(finding.advisory["id"], finding.package) for finding in found}
    return [
        *(str(finding) for finding in found if (finding.advisory["id"], finding.package) not in acknowledged),
        *(f"{FILE.name}: {id_} is acknowledged without a reason." for (id_, _), why in acknowledged.items() if not why),
        *(
            f"{FILE.name}: {id_} is acknowledged, but no version of {package} in use is affected. Remove it."
            for id_, package in acknowledged.keys() - needed
        ),
    ]


def refreshed(data: Data, records: Iterable[Data], names: set[str], today: str) -> Data:
    """The advisories with those of a database about these packages, which replace what was known of them."""
    known = {(entry["id"], entry["package"]): entry for entry in data["advisories"]}
    for record in records:
        for affected in record.get("affected", []):
            package = affected.get("package", {})
            name = canonicalize_name(package.get("name", ""))
            if package.get("ecosystem") != "PyPI" or name not in names:
                continue
            ranges = [part for found in affected.get("ranges", []) for part in _parts(found)]
            entry = known.pop((record["id"], name), {})
            if record.get("withdrawn") or not ranges:
                continue
            aliases = sorted({*record.get("aliases", []), *entry.get("aliases", [])})
            kept = {"aliases": aliases} if aliases else {}
            known[record["id"], name] = {"package": name, "id": record["id"], **kept, "ranges": ranges}
    entries = sorted(known.values(), key=lambda entry: (entry["package"], entry["id"]))
    return {**data, "refreshed_on": today, "advisories": entries}


def _parts(found: Data) -> Iterator[Data]:
    """The ranges of versions in a list of events."""
    if found.get("type") != "ECOSYSTEM":
        return
    begun: Data | None = None
    for event in found["events"]:
        if "introduced" in event:
            if begun:
                yield begun
            begun = {"introduced": str(event["introduced"])}
        elif begun and (end := event.keys() & {"fixed", "last_affected"}):
            (name,) = end
            yield {**begun, name: str(event[name])}
            begun = None
    if begun:
        yield begun


def records_in(source: str) -> Iterator[Data]:
    """The advisories in a folder, a .zip file, or at an https address of one."""
    if source.startswith("https://"):
        with urllib.request.urlopen(source, timeout=300) as answer:
            yield from _records_in_zip(io.BytesIO(answer.read()))
    elif Path(source).is_dir():
        for path in sorted(Path(source).rglob("*")):
            if path.suffix in (".json", ".yaml") and path.is_file():
                yield from _record(path.name, path.read_text(encoding="utf-8"))
    else:
        yield from _records_in_zip(Path(source))


def _records_in_zip(file: Path | io.BytesIO) -> Iterator[Data]:
    with zipfile.ZipFile(file) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith((".json", ".yaml")):
                yield from _record(name, archive.read(name).decode("utf-8"))


def _record(name: str, text: str) -> Iterator[Data]:
    """The advisory in a file, if it is one."""
    read_text = json.loads if name.endswith(".json") else YAML(typ="safe", pure=True).load
    record = read_text(text)
    if isinstance(record, dict) and "id" in record and "affected" in record:
        yield record


def text_of(data: Data) -> str:
    """The file, with a line an advisory."""

    def line(entry: Data) -> str:
        return "    " + json.dumps(entry, ensure_ascii=False)

    parts = [f'  "{name}": {json.dumps(value, ensure_ascii=False)}' for name, value in data.items() if name in HEAD]
    lists = ("acknowledged", "advisories")
    parts += [f'  "{name}": [\n' + ",\n".join(map(line, data[name])) + "\n  ]" for name in lists]
    return "{\n" + ",\n".join(parts) + "\n}\n"


HEAD = ("about", "sources", "refreshed_on")


def main() -> None:
    """Check the locked versions, or take over advisories."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--refresh", nargs="?", const=os.environ.get("LODEPLAN_ADVISORIES", ""), metavar="SOURCE")
    given = parser.parse_args()
    data = read()
    versions = [*locked(), *oldest_allowed()]
    if given.refresh is not None:
        if not given.refresh:
            parser.error("name a SOURCE, or set LODEPLAN_ADVISORIES")
        names = {name for _, name, _ in versions}
        data = refreshed(data, records_in(given.refresh), names, f"{datetime.now(UTC):%Y-%m-%d}")
        FILE.write_text(text_of(data), encoding="utf-8")
    found = problems(data, versions)
    count, age = len(data["advisories"]), data["refreshed_on"]
    print("\n".join([*found, f"{len(found)} to look at; {count} advisories, refreshed on {age}."]))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
