"""Loader: turns a name, file, folder or mapping into a validated scenario. All errors are reported together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lodeplan.scenarios.partial import check_the_rest
from lodeplan.scenarios.patching.apply import apply_patches
from lodeplan.scenarios.patching.paths import Work
from lodeplan.scenarios.reading.catalogue import find_shipped
from lodeplan.scenarios.reading.documents import (
    Document,
    from_mapping,
    label,
    parse_json,
    parse_yaml,
    read_text_file,
    refuse,
)
from lodeplan.scenarios.reading.explain import note_problems
from lodeplan.scenarios.reading.folders import HEAD, TABLE
from lodeplan.scenarios.reading.frames import from_python
from lodeplan.scenarios.reading.screening import screen
from lodeplan.scenarios.reading.tables import read_folder
from lodeplan.scenarios.rules import find_problems
from lodeplan.schemas.closest import did_you_mean
from lodeplan.schemas.patches import Patch
from lodeplan.schemas.problems import InvalidInput, at_most, split_path
from lodeplan.schemas.scenario import Scenario

Source = str | Path | Mapping[str, Any] | Scenario
Patches = Sequence[Patch | Mapping[str, Any]]

_HEADER = ("schema_version", "name", "title", "description", "author", "data_vintage")
_MAX_BASES = 10


def load(source: Source, patches: Patches = (), *, work: Work | None = None) -> Scenario:
    """Load the scenario in a source and apply patches.

    A source is a shipped name, the path of a `.yaml`, `.yml` or `.json` file or of a folder with
    `scenario.yaml` and CSV tables, plain data, or a scenario. Raises `InvalidInput` with all problems. `work` bounds
    what patches may look at, over several calls.
    """
    if isinstance(source, Scenario) and not patches:
        if problems := find_problems(source):
            raise InvalidInput(problems)
        return source
    return _validated(_read(source, patches, work))


def load_text(text: str, patches: Patches = (), *, file: str | None = None) -> Scenario:
    """The scenario in a YAML or JSON text; its `base`, if any, is a shipped name. Raises `InvalidInput`."""
    document = parse_json(text, file) if text.lstrip().startswith("{") else parse_yaml(text, file)
    document = _on_base(document, None, _MAX_BASES)
    apply_patches(document, patches)
    return _validated(document)


def read(source: Source, patches: Patches = (), *, work: Work | None = None) -> dict[str, Any]:
    """The raw data of a source, its base and patches worked in, not validated further than that."""
    document = _read(source, patches, work)
    if document.problems:
        raise InvalidInput(document.problems)
    return document.data


def read_as_far(source: Source, patches: Patches = ()) -> dict[str, Any]:
    """The same with what is right of it: patches that do not fit are passed over."""
    return _read(source, patches).data


def _read(source: Source, patches: Patches, work: Work | None = None) -> Document:
    if isinstance(source, Scenario):
        document = from_mapping(source.model_dump(mode="json", exclude_unset=True))
    elif isinstance(source, Mapping):
        document = _on_base(from_python(source), None, _MAX_BASES)
    elif isinstance(source, str | PathLike):
        document = _read_path(_locate(source, None), _MAX_BASES)
    else:
        allowed = "a shipped name, the path of a file or folder, a mapping, or a scenario"
        raise refuse("wrong_type", "no scenario is read from this.", value=type(source).__name__, allowed=allowed)
    apply_patches(document, patches, work=work)
    return document


def _locate(source: str | PathLike[str], folder: Path | None) -> Path:
    """The path a source means: a file or folder (relative to `folder` if given), or else a shipped name."""
    path = folder / source if folder else Path(source)
    looks_like_path = not isinstance(source, str) or "/" in source or path.suffix in (".yaml", ".yml", ".json")
    if looks_like_path or (path / HEAD).is_file() or (path.suffix and path.is_file()):
        if not path.exists():
            raise refuse("unknown_scenario", "no such file or folder exists.", value=str(source))
        return path
    try:
        return find_shipped(str(source))
    except InvalidInput as error:
        message = "no shipped scenario, file or folder has this name."
        raise InvalidInput([problem.model_copy(update={"message": message}) for problem in error.problems]) from None


def _read_path(path: Path, bases_left: int) -> Document:
    if path.is_dir():
        document = read_folder(path)
    elif path.suffix.lower() == TABLE:
        remedy = f"Give the folder that holds the tables and a {HEAD}."
        raise refuse("table_for_scenario", "this is one table, not a scenario.", file=label(path), remedy=remedy)
    elif path.suffix.lower() == ".json":
        document = parse_json(read_text_file(path), label(path))
    else:
        document = parse_yaml(read_text_file(path), label(path))
    return _on_base(document, path if path.is_dir() else path.parent, bases_left)


def _on_base(document: Document, folder: Path | None, bases_left: int) -> Document:
    """A document that says `base`: the base, changed by its patches and header; others as they are.

    Without a folder (plain data, a text) the base can only be a shipped name.
    """
    if "base" not in document.data:
        return document
    base = document.data["base"]
    if not isinstance(base, str):
        raise refuse("broken_base", "the base is a shipped name or a path.", path="base", value=base)
    if bases_left == 0:
        raise refuse(
            "broken_base", f"more than {_MAX_BASES} scenarios are based on one another.", path="base", value=base
        )
    found = _read_path(_locate(base, folder) if folder else find_shipped(base), bases_left - 1)
    found.problems.extend(document.problems)
    for key, value in document.data.items():
        if key in _HEADER:
            found.data[key] = value
            found.write_over([(key,)], document.origin((key,)))
        elif key not in ("base", "patches"):
            message = "a scenario with a `base` may change it only with `patches`."
            remedy = did_you_mean(key, [*_HEADER, "patches"]) or "Write a patch that sets this field."
            document.problem("field_with_base", (key,), message, remedy=remedy)
            found.problems.append(document.problems[-1])
    patches = document.data.get("patches", [])
    if not isinstance(patches, list):
        raise refuse("broken_patch", "patches are a list.", path="patches", value=patches)
    file = document.origin(()).file
    apply_patches(found, patches, f"{file} patch" if file else "patch")
    return found


def _validated(document: Document) -> Scenario:
    if {"summary", "tables"} <= document.data.keys():
        remedy = "Give the scenario from which the plan was made; `summary.scenario` in the plan names it."
        raise refuse(
            "plan_for_scenario", "this is a plan, not a scenario.", file=document.origin(()).file, remedy=remedy
        )
    screen(document)
    left = 0
    try:
        scenario = Scenario.model_validate(document.data)
        found = find_problems(scenario)
    except ValidationError as error:
        places, left = note_problems(document, error)
        found = [] if left else check_the_rest(document, places)
    for problem in found:
        origin = document.origin(split_path(problem.path))
        document.problems.append(problem.model_copy(update={"file": origin.file, "line": origin.line}))
    if document.problems:
        raise InvalidInput(at_most(document.problems, left))
    return scenario
