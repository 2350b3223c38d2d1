"""The page of the mathematics is what its script writes, and leaves out nothing of the model."""

import pyomo.environ as pyo
import pytest
from golden_lps import FOLDER

from lodeplan import scenarios
from lodeplan.optimizer.model import build_model
from lodeplan.optimizer.model.registry import FAMILIES, registry, variables
from lodeplan.optimizer.prepare import prepare
from lodeplan.optimizer.prepare.costs import FLOW_TERMS, START_TERMS
from tools import math_page
from tools.formulation import TERM_PROOFS

PAGE = math_page.PAGE.read_text(encoding="utf-8")


def test_the_page_is_what_its_script_writes() -> None:
    assert "\n".join(math_page.written().lines) + "\n" == PAGE, "run `python -m tools.math_page`"


@pytest.mark.parametrize("constraint", registry())
def test_a_constraint_has_its_entry_and_its_proof(constraint: str) -> None:
    _, _, after = PAGE.partition(f"\n### `{constraint}`\n")
    entry, _, _ = after.partition("\n#")
    words = registry()[constraint]

    assert all(text in entry for text in (words.sentence, words.equation, words.unit, words.dual, words.kind))
    assert f"[{words.module}:{words.line}]" in entry
    assert f"tests/golden/{constraint}.lp" in entry


def test_the_table_names_every_constraint_and_cost_term_and_the_line_where_it_stands() -> None:
    lines = PAGE.split("\n")
    names = [*registry(), *(term.__name__ for term in (*FLOW_TERMS, *START_TERMS))]
    rows = [[cell.strip() for cell in row.split(" | ")] for row in math_page.written().rows]
    told = {name.strip("`*"): lines[int(line) - 1] for _, name, line, *_ in rows}

    assert set(names) <= set(told)
    assert all(name in line for name, line in told.items())


def test_a_test_says_of_nothing_but_constraints_that_it_proves_them() -> None:
    marked = math_page._marked()

    assert {name for _, proved in marked for name in proved} <= set(registry())
    assert all(proved for _, proved in marked)


def test_every_cost_term_with_a_proof_exists() -> None:
    assert set(TERM_PROOFS) <= {term.__name__ for term in (*FLOW_TERMS, *START_TERMS)}


def test_every_family_with_constraints_is_in_the_registry() -> None:
    modules = {
        path.stem
        for path in (math_page.ROOT / "optimizer/model").glob("*.py")
        if "\nCONSTRAINTS = (" in path.read_text()
    }

    assert modules == {family.__name__.rpartition(".")[2] for family in FAMILIES}


def test_every_variable_of_the_model_is_described() -> None:
    found = set()
    for constraint in registry():
        instance = prepare(scenarios.load(FOLDER / f"{constraint}.yaml"))
        found |= {variable.name for variable in build_model(instance).component_objects(pyo.Var)}

    assert found == set(variables())


@pytest.mark.parametrize(
    ("proof", "said"),
    [((), "no proof"), (("test_tree.py::test_gone",), "test_tree.py"), (("test_model.py::test_gone",), "test_gone")],
)
def test_a_proof_that_does_not_exist_is_refused(proof: tuple[str, ...], said: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=said):
        list(math_page._proofs(proof))


def test_a_name_that_its_file_does_not_define_is_refused() -> None:
    with pytest.raises(ValueError, match="does not define build_forest"):
        math_page._place("optimizer/prepare/tree.py:build_forest")


def test_the_script_prints_its_table_alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["math_page.py", "--table"])
    math_page.main()

    assert capsys.readouterr().out.strip() == math_page.table(math_page.written())
