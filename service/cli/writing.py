"""Writing of scenarios to the user's files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ruamel.yaml import YAML

from lodeplan import scenarios
from lodeplan.schemas import InputProblem, InvalidInput, Patch

_EXAMPLE = "golden-toy"


def write_example(folder: Path) -> Path:
    """Copy the example scenario to `scenario.yaml` in a folder; an existing file is never replaced."""
    path = folder / "scenario.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(scenarios.find_shipped(_EXAMPLE).read_text(encoding="utf-8"))
    except FileExistsError:
        raise _refused("file_exists", path, "this file exists already.", "Choose another folder.") from None
    return path


def write_scenario(source: str, patches: Sequence[Patch], path: Path) -> None:
    """Write a valid scenario as YAML or JSON, by the ending of the path. Raises `InvalidInput`."""
    if path.suffix not in (".yaml", ".yml", ".json"):
        raise _refused(
            "unknown_format",
            path,
            "the file name has no known ending.",
            "Use a name that ends in .yaml, .yml or .json.",
        )
    data = scenarios.load(source, patches).model_dump(mode="json", exclude_unset=True)
    if path.suffix == ".json":
        path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(data, file)


def _refused(code: str, path: Path, message: str, remedy: str) -> InvalidInput:
    return InvalidInput([InputProblem(code=code, path=str(path), message=message, remedy=remedy)])
