"""Docstrings of what is public, as readers of the API, the JSON Schema and the code meet them."""

import ast
import re
from collections.abc import Iterator

import pytest
from folders import ROOT

QUESTION_WORD = re.compile(r"(What|Whether|Where|How|Who|Whose|Why|Which|When|Whatever|Whoever)\b")
ROOMS = ["schemas", "scenarios", "service"] + [
    f"optimizer/{name}"
    for name in ("check", "expand", "figures", "model", "prepare", "report", "results", "solver", "studies", "words")
]
NAMED = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def public_docstrings(node: ast.Module | ast.ClassDef, path: str) -> Iterator[tuple[str, str]]:
    yield path, ast.get_docstring(node) or ""
    for child in node.body:
        if isinstance(child, NAMED) and not re.match(r"_(?!_)", child.name):
            name = f"{path} {child.name}"
            if isinstance(child, ast.ClassDef):
                yield from public_docstrings(child, name)
            else:
                yield name, ast.get_docstring(child) or ""


@pytest.mark.parametrize("room", ROOMS)
def test_a_docstring_begins_with_a_noun_or_a_verb(room: str) -> None:
    found = [
        f"{name}: {docstring.splitlines()[0]}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for name, docstring in public_docstrings(
            ast.parse(path.read_text(encoding="utf-8")), str(path.relative_to(ROOT))
        )
        if QUESTION_WORD.match(docstring)
    ]
    assert not found
