"""The scenarios that come with Lodeplan, by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scenarios.documents import label, parse_yaml, read_text_file, refuse
from scenarios.tables import HEAD
from schemas.closest import did_you_mean

_HERE = Path(__file__).parent

ALIASES = {"us-2026": "us-2026-lite"}
"""Names that stand for another scenario."""


@dataclass(frozen=True)
class ShippedScenario:
    """A scenario that comes with Lodeplan."""

    name: str
    title: str


def names() -> list[ShippedScenario]:
    """All shipped scenarios with their titles, sorted by name."""
    paths = shipped_paths()
    found = []
    for name, path in paths.items():
        head = path / HEAD if path.is_dir() else path
        title = str(parse_yaml(read_text_file(head), label(head)).data.get("title", ""))
        found.append(ShippedScenario(name, title))
    titles = {item.name: item.title for item in found}
    found += [
        ShippedScenario(name, titles[meant]) for name, meant in ALIASES.items() if meant in paths and name not in paths
    ]
    return sorted(found, key=lambda item: item.name)


def shipped_paths() -> dict[str, Path]:
    """The file or folder of each shipped scenario. Its file name is its name, with `-` for `_`."""
    folders = [path.parent for path in _HERE.glob(f"*/{HEAD}")]
    files = [path for room in ("examples", "library") for path in (_HERE / room).glob("*.yaml")]
    return {path.stem.replace("_", "-"): path for path in [*files, *folders]}


def find_shipped(name: str) -> Path:
    """The file or folder of a shipped scenario; raises `InvalidInput` if there is none of that name."""
    paths = shipped_paths()
    meant = name if name in paths else ALIASES.get(name, name)
    if meant not in paths:
        message = "no scenario of this name is shipped, and no file or folder has it."
        remedy = did_you_mean(name, [*paths, *ALIASES])
        raise refuse("unknown_scenario", message, value=name, remedy=remedy)
    return paths[meant]
