"""A scenario as it was written: plain mappings and lists, and where each part stands."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML
from ruamel.yaml.composer import MaxDepthExceededError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from lodeplan.scenarios.reading.texts import NoText, text_of
from lodeplan.schemas.problems import InputProblem, InvalidInput, join_path

Keys = tuple[str, ...]

MAX_DEPTH = 50
"""Mappings and lists within one another; a scenario in a request has some eight."""
_TOO_DEEP = f"mappings and lists are nested more than {MAX_DEPTH} levels deep."
_TAG = "tag:yaml.org,2002:"
_SCALARS = {_TAG + kind for kind in ("str", "int", "float", "bool", "null", "timestamp")}
_JSON_SIGNS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True)
class Origin:
    """Origin of a value: a file (or a patch) and a line (or a row of a table), from 1."""

    file: str | None = None
    line: int | None = None
    order: int = 0
    """Of what was written over the first: which came later. It counts for all that stands below."""


@dataclass
class Document:
    """Raw data of a scenario, the origin of its parts, and what was already found wrong with it."""

    data: dict[str, Any]
    origins: dict[Keys, Origin] = field(default_factory=dict)
    problems: list[InputProblem] = field(default_factory=list)
    misnamed: set[tuple[str, str]] = field(default_factory=set)
    """(collection, field) that a column left out of its table may hold: no row is to blame for its lack."""
    _writes: int = 0
    model: type[BaseModel] | None = None
    """What the data are to be; None: a scenario."""

    def origin(self, keys: Sequence[str]) -> Origin:
        """The origin of these keys, or of the closest thing around them; what was written over goes before."""
        around = [self.origins.get(tuple(keys[:end])) for end in range(len(keys), -1, -1)]
        return max(filter(None, around), key=lambda origin: origin.order, default=Origin())

    def write_over(self, places: Iterable[Keys], origin: Origin) -> None:
        """Note that these places, and all below them, now come from elsewhere."""
        self._writes += 1
        self.origins |= dict.fromkeys(places, replace(origin, order=self._writes))

    def problem(self, code: str, keys: Sequence[str], message: str, **more: Any) -> None:
        """Note a problem at these keys, with file and line."""
        origin = self.origin(keys)
        more = {"file": origin.file, "line": origin.line, **more}
        self.problems.append(InputProblem(code=code, path=join_path(keys), message=message, **more))


def refuse(code: str, message: str, **more: Any) -> InvalidInput:
    """One problem with a whole source, to be raised."""
    return InvalidInput([InputProblem(code=code, path=more.pop("path", "scenario"), message=message, **more)])


def label(path: Path) -> str:
    """Name a file as problems show it; a shipped file relative to the package."""
    package = Path(__file__).parent.parent
    return str(path.relative_to(package.parent)) if path.is_relative_to(package) else str(path)


def read_text_file(path: Path) -> str:
    """The text of a file."""
    try:
        return text_of(path.read_bytes())
    except OSError as error:
        raise refuse("unreadable_file", f"the file cannot be read: {error.strerror}.", file=label(path)) from None
    except NoText as error:
        raise refuse(error.code, str(error), file=label(path), line=error.line, remedy=error.remedy) from None


def parse_json(text: str, file: str | None = None) -> Document:
    """The document in a JSON text; raises `InvalidInput`."""
    try:
        data = json.loads(text, object_pairs_hook=_unique_pairs, parse_constant=_no_constant)
        if "\\ud" in text.lower():
            json.dumps(data, ensure_ascii=False).encode()  # half of a character cannot be written anywhere
    except json.JSONDecodeError as error:
        raise refuse("broken_json", f"not JSON: {error.msg}.", file=file, line=error.lineno) from None
    except RecursionError:
        raise refuse("broken_json", _TOO_DEEP, file=file, line=_deep_line_of_json(text)) from None
    except ValueError as error:
        raise refuse("broken_json", f"not JSON: {error}.", file=file) from None
    document = from_mapping(data, file)
    document.origins[()] = Origin(file)
    return document


def from_mapping(data: Any, file: str | None = None) -> Document:
    """The document in plain Python data, copied, with every key as text."""
    if not isinstance(data, Mapping):
        raise refuse("not_a_mapping", "a scenario must be a mapping of fields.", value=data, file=file)
    return Document(_plain(data, (), file))


def parse_yaml(text: str, file: str | None = None) -> Document:
    """The document in a YAML 1.2 text, with the line of each part; raises `InvalidInput`.

    Anchors and aliases are refused: a scenario says each number once, and a few nested aliases can
    stand for more data than a machine holds.
    """
    data, reader = _read_yaml(text, file)
    if not isinstance(data, dict):
        raise refuse("not_a_mapping", "a scenario must be a mapping of fields.", file=file)
    return Document(data, reader.origins, reader.problems)


def parse_value(text: str) -> Any:
    """The plain data in a YAML text, None for an empty one; raises `InvalidInput`."""
    data, reader = _read_yaml(text, None)
    if reader.problems:
        raise InvalidInput(reader.problems)
    return data


def _read_yaml(text: str, file: str | None) -> tuple[Any, _YamlReader]:
    yaml = YAML(typ="safe", pure=True)
    # Of what is as deep as may be, the next level is still seen.
    yaml.max_depth = MAX_DEPTH + 1
    reader = _YamlReader(yaml, file)
    try:
        node = yaml.compose(text)
        return (None if node is None else reader.read(node, ())), reader
    except InvalidInput:
        raise
    except MaxDepthExceededError as error:
        raise refuse("broken_yaml", _TOO_DEEP, file=file, line=error.problem_mark.line + 1) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message, line = f"not YAML: {error.problem or error.context}.", mark.line + 1 if mark else None
        remedy = "Look at this line and the one before." if line else None
        raise refuse("broken_yaml", message, file=file, line=line, remedy=remedy) from None
    except (YAMLError, ValueError) as error:
        raise refuse("broken_yaml", f"not YAML: {str(error).splitlines()[0]}.", file=file) from None


class _YamlReader:
    """Turns a tree of YAML nodes into plain data, and notes lines."""

    def __init__(self, yaml: YAML, file: str | None) -> None:
        self.yaml = yaml
        self.file = file
        self.origins: dict[Keys, Origin] = {}
        self.problems: list[InputProblem] = []

    def read(self, node: Node, keys: Keys) -> Any:
        line = node.start_mark.line + 1
        self.origins.setdefault(keys, Origin(self.file, line))
        if node.anchor:
            remedy = "Write the value out, or use `base` and `patches`."
            message = f"anchors and aliases (&{node.anchor}) are not allowed."
            raise refuse("yaml_alias", message, file=self.file, line=line, remedy=remedy)
        self._check_tag(node)
        if isinstance(node, MappingNode):
            return self._read_mapping(node, keys)
        if isinstance(node, SequenceNode):
            return [self.read(item, (*keys, str(index))) for index, item in enumerate(node.value)]
        if node.tag == _TAG + "timestamp":
            return str(node.value)  # as written, so that a date is read in one way whatever it is written in
        try:
            return self.yaml.constructor.construct_object(node)
        except (LookupError, ValueError, TypeError):
            raise refuse(
                "broken_yaml", f"{node.value[:80]!r} is not a valid {node.tag}.", file=self.file, line=line
            ) from None

    def _check_tag(self, node: Node) -> None:
        """Only the tags of plain data, which the reader itself gives to what has none."""
        is_plain = node.tag in _SCALARS if isinstance(node, ScalarNode) else node.tag in (_TAG + "map", _TAG + "seq")
        if not is_plain:
            tag = str(node.tag).replace(_TAG, "!!")[:80]
            message, line = f"the tag {tag} is not allowed.", node.start_mark.line + 1
            remedy = "Write plain mappings, lists, texts and numbers, without a tag."
            raise refuse("yaml_tag", message, file=self.file, line=line, remedy=remedy)

    def _read_mapping(self, node: MappingNode, keys: Keys) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode) or key_node.anchor:
                raise refuse("broken_yaml", "a key must be plain text.", file=self.file, line=line)
            self._check_tag(key_node)
            key: str = key_node.value
            if key in found:
                second = self.read(value_node, (*keys, key))
                path, message = join_path([*keys, key]), _twice(key, found[key], second)
                self.problems.append(
                    InputProblem(
                        code="duplicate_key", path=path, message=message, file=self.file, line=line,
                        remedy="Keep one of them.",
                    )
                )  # fmt: skip
                continue
            self.origins[(*keys, key)] = Origin(self.file, line)
            found[key] = self.read(value_node, (*keys, key))
        return found


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, count in counts.items() if count > 1)
        first, second, *_ = (value for key, value in pairs if key == twice)
        raise ValueError(_twice(twice, first, second).rstrip("."))
    return found


def _twice(key: str, first: Any, second: Any) -> str:
    """What to say of a key with two values; of long ones, and of mappings, only that there are two."""
    shown = [str(value) for value in (first, second)]
    values = f": {shown[0]} and {shown[1]}" if all(len(text) <= 40 for text in shown) else ""
    return f"the key {key[:80]!r} is given twice{values}."


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _deep_line_of_json(text: str) -> int | None:
    """The line on which JSON becomes too deep."""
    depth = 0
    for sign in _JSON_SIGNS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(sign[0], 0)
        if depth > MAX_DEPTH:
            return text.count("\n", 0, sign.start()) + 1
    return None


def _plain(value: Any, keys: Keys, file: str | None) -> Any:
    if len(keys) > MAX_DEPTH:
        raise refuse("not_a_mapping", _TOO_DEEP, path=join_path(keys), file=file)
    if isinstance(value, Mapping):
        return _plain_mapping(value, keys, file)
    if isinstance(value, list | tuple):
        return [_plain(item, (*keys, str(index)), file) for index, item in enumerate(value)]
    if isinstance(value, datetime) and value.time() == time() and value.tzinfo is None:
        value = value.date()  # how a data frame holds days
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        value = value.item()  # a number of a data frame
    return value.isoformat() if isinstance(value, date) else value


def _plain_mapping(value: Mapping[Any, Any], keys: Keys, file: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = str(key)
        plain = _plain(item, (*keys, name), file)
        if name in found:
            raise refuse(
                "duplicate_key", _twice(name, found[name], plain), path=join_path([*keys, name]), file=file,
                remedy="Keep one of them: as keys, numbers and texts are the same.",
            )  # fmt: skip
        found[name] = plain
    return found
