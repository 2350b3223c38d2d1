"""The page on running the service cannot go stale where the program knows better."""

import re
import shlex

import pytest
import typer.main
from ruamel.yaml import YAML

from lodeplan.service.cli.app import app
from lodeplan.service.settings import PREFIX, Settings
from tools import operations_page

PAGE = operations_page.PAGE.read_text(encoding="utf-8")


def test_its_tables_are_what_the_script_writes() -> None:
    assert operations_page.written(PAGE) == PAGE, "run `python -m tools.operations_page`"


def test_it_names_every_setting_and_no_other() -> None:
    named = {name.lower() for name in re.findall(rf"\b{PREFIX}([A-Z_]+)\b", PAGE)}
    assert named == set(Settings.model_fields)


def test_it_names_every_metric_and_no_other() -> None:
    table = PAGE.partition("<!-- generated: metrics -->")[2].partition("<!-- end -->")[0]
    known = set(re.findall(r"^\| `(lodeplan_\w+)`", table, re.MULTILINE))
    named = set(re.findall(r"\blodeplan_[a-z_]+", PAGE))
    assert {name.removesuffix("_bucket") for name in named} == known


def test_its_commands_exist() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    shown = re.findall(r"^(?:\S+=\S+ )*lodeplan .*$", PAGE, re.MULTILINE)
    assert shown
    for line in shown:
        words = shlex.split(line, comments=True)
        name, *arguments = words[words.index("lodeplan") + 1 :]
        command = commands[name]
        if hasattr(command, "commands"):
            command = command.commands[arguments[0]]
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in arguments if word.startswith("--")} <= known, line


@pytest.mark.parametrize("block", re.findall(r"^```yaml\n(.+?)^```", PAGE, re.MULTILINE | re.DOTALL))
def test_its_yaml_can_be_read(block: str) -> None:
    assert YAML(typ="safe").load(block)
