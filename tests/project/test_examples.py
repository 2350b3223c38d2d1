"""The programs of `examples`: each does what its last lines say, and reads as a page for those who come new."""

import ast
import re
import runpy
import sys
from pathlib import Path

import pytest
from folders import ROOT

EXAMPLES = ROOT / "examples"
SLOW = {"11_ask_the_service"}
"""Those that start processes of their own."""
LIBRARIES = {"highspy", "httpx", "lodeplan", "pyomo"}
"""What an example may import beside the standard library; of ours the face alone."""

PROGRAMS = sorted(EXAMPLES.glob("*.py"))
to_run = pytest.mark.parametrize(
    "program",
    [pytest.param(path, marks=[pytest.mark.slow] * (path.stem in SLOW), id=path.stem) for path in PROGRAMS],
)
each = pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)


def expected_output(program: Path) -> list[str]:
    """The comment behind `# Output:`, with which each program ends."""
    _, marker, block = program.read_text(encoding="utf-8").partition("\n# Output:\n")
    assert marker, f"{program.name} does not end with what it prints"
    return [re.sub("^# ?", "", line) for line in block.splitlines()]


@to_run
def test_an_example_prints_what_it_ends_with(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(program), run_name="__main__")
    printed = [line.rstrip() for line in capfd.readouterr().out.rstrip().splitlines()]
    assert printed == expected_output(program)


@each
def test_an_example_is_short_and_begins_with_what_one_learns(program: Path) -> None:
    text = program.read_text(encoding="utf-8")
    lesson = ast.get_docstring(ast.parse(text)) or ""
    assert len(re.findall(r"[.:](?:\s|$)", lesson)) >= 2
    assert 15 <= len(text.splitlines()) <= 45


@each
def test_an_example_imports_public_names_alone(program: Path) -> None:
    tree = ast.parse(program.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    of_ours = {name for name in imported if name.split(".")[0] == "lodeplan"}
    assert of_ours <= {"lodeplan"}
    assert {name.split(".")[0] for name in imported} <= LIBRARIES | sys.stdlib_module_names


def test_the_page_lists_every_example() -> None:
    listed = re.findall(r"\]\((\d\d_\w+\.py)\)", (EXAMPLES / "README.md").read_text(encoding="utf-8"))
    assert listed == [path.name for path in PROGRAMS]
    assert len(listed) >= 10
