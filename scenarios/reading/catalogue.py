"""The scenarios that come with Lodeplan, by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lodeplan.scenarios.reading.documents import label, read_text_file, refuse
from lodeplan.scenarios.reading.folders import HEAD
from lodeplan.schemas.closest import did_you_mean

_SHIPPED = Path(__file__).parent.parent


@dataclass(frozen=True)
class ShippedScenario:
    """A scenario that comes with Lodeplan."""

    name: str
    title: str


def names() -> list[ShippedScenario]:
    """All shipped scenarios with their titles, sorted by name."""
    titles = {name: title for name, title, _ in _shipped()}
    return [ShippedScenario(name, title) for name, title in sorted(titles.items())]


def find_shipped(name: str) -> Path:
    """The file or folder of a shipped scenario; raises `InvalidInput` if there is none of that name."""
    paths = {known: path for known, _, path in _shipped()}
    if name not in paths:
        message = "no scenario of this name is shipped."
        raise refuse("unknown_scenario", message, value=name, remedy=did_you_mean(name, paths))
    return paths[name]


def _shipped() -> list[tuple[str, str, Path]]:
    """(name, title, file or folder) of each shipped scenario."""
    folders = [path.parent for path in _SHIPPED.glob(f"*/{HEAD}")]
    files = [path for room in ("examples", "library") for path in (_SHIPPED / room).glob("*.yaml")]
    return [_head(path) for path in [*folders, *files]]


def _head(path: Path) -> tuple[str, str, Path]:
    """Name and title stand on lines of their own, so that listing need not read whole files as YAML."""
    file = path / HEAD if path.is_dir() else path
    text = read_text_file(file)
    name = re.search(r"^name: *([a-z0-9_-]+) *$", text, re.MULTILINE)
    title = re.search(r"^title: *(.+?) *$", text, re.MULTILINE)
    if not name or not title:
        raise refuse("no_name", "a shipped scenario needs `name` and `title` on lines of their own.", file=label(file))
    return name[1], title[1].strip("\"'"), path
