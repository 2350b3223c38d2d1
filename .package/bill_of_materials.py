"""Bill of materials of a wheel: what it holds of others, and what it was locked to run with (CycloneDX 1.6)."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from email.parser import Parser
from typing import Any

Data = dict[str, Any]

BUNDLE = "lodeplan/service/ui/static/vega-bundle.js"
"""The only file of the wheel that others wrote; the names and versions of what is in it stand in the text beside it."""
BUNDLED = "lodeplan/service/ui/static/vega-bundle.LICENSE.txt"
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)(?: ; (.+?))? \\$")
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "lodeplan")


def bill_of_materials(lock: str, files: Mapping[str, bytes], folder: str) -> str:
    """JSON for a wheel with these files, whose metadata are in this folder, and this lock file. Equal input gives
    equal text."""
    about = Parser().parsestr(files[f"{folder}/METADATA"].decode())
    root = _package(about["Name"], about["Version"])
    root["licenses"] = [{"license": {"id": about["License-Expression"]}}]
    packages = {name: (component, users) for name, component, users in locked_packages(lock)}
    used: dict[str, list[str]] = {root["bom-ref"]: []}
    for component, _ in packages.values():
        used[component["bom-ref"]] = []
    for component, users in packages.values():
        for user in users:
            owner = packages[user][0] if user in packages else root
            used[owner["bom-ref"]].append(component["bom-ref"])
    bundle = _bundle(files)
    used[root["bom-ref"]].append(bundle["bom-ref"])
    content = {
        "metadata": {"component": root},
        "components": [bundle, *(component for component, _ in packages.values())],
        "dependencies": [{"ref": ref, "dependsOn": sorted(parts)} for ref, parts in used.items()],
    }
    number = uuid.uuid5(_NAMESPACE, json.dumps(content, sort_keys=True))
    head = {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": number.urn, "version": 1}
    return json.dumps({**head, **content}, indent=1) + "\n"


def locked_packages(lock: str) -> Iterator[tuple[str, Data, list[str]]]:
    """Name, component and users of each package of a lock file. One that only builds Lodeplan is `excluded`."""
    blocks = re.split(r"\n(?=[A-Za-z0-9])", lock.partition("\n")[2])
    for block in blocks:
        first, *rest = block.splitlines()
        if not (found := _LOCKED.match(first)):
            continue
        name, version, marker = found.groups()
        notes = [line.strip().removeprefix("# via").removeprefix("#").strip() for line in rest if "# " in line]
        users = [note for note in notes if note]
        component = _package(name, version)
        component["scope"] = "excluded" if all(":build" in user for user in users) else "required"
        if marker:
            component["properties"] = [{"name": "lodeplan:marker", "value": marker}]
        yield name, component, [user.split()[0] for user in users]


def _package(name: str, version: str) -> Data:
    url = f"pkg:pypi/{name}@{version}"
    return {"type": "library", "bom-ref": url, "name": name, "version": version, "purl": url}


def _bundle(files: Mapping[str, bytes]) -> Data:
    """The scripts that draw figures in a browser."""
    said = files[BUNDLED].decode().partition("\n\n")[0]
    parts = []
    for name, version in re.findall(r"\b(Vega(?:-\w+)?)\b(?: (\d[\d.]*\d))?", said):
        known = {"version": version} if version else {}
        parts.append({"type": "library", "bom-ref": f"bundled:{name.lower()}", "name": name.lower(), **known})
    return {
        "type": "file",
        "bom-ref": f"file:{BUNDLE}",
        "name": BUNDLE,
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(files[BUNDLE]).hexdigest()}],
        "components": parts,
    }
