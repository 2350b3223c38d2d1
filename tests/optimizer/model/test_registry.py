"""What is true of a constraint stands where it is written, and the rest of the program asks the registry."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import scipy.sparse as sp
from folders import ROOT
from golden_lps import FOLDER

from lodeplan import scenarios
from lodeplan.optimizer.model import build_model
from lodeplan.optimizer.model.declare import PARTS, Couples, Limit, Untold, constraint
from lodeplan.optimizer.model.letters import LETTERS, is_a, letter_of
from lodeplan.optimizer.model.registry import bounds, registry, statements, variables
from lodeplan.optimizer.model.scales import Sizes
from lodeplan.optimizer.prepare import Instance, prepare
from lodeplan.optimizer.solver import Form, standard_form
from lodeplan.schemas import Patch

EXAMPLES = sorted((ROOT / "scenarios/examples").glob("*.yaml"))


def product_files() -> list[Path]:
    rooms = ("schemas", "scenarios", "optimizer", "service")
    return [
        path
        for room in rooms
        for path in sorted((ROOT / room).rglob("*.py"))
        if not path.is_relative_to(ROOT / "optimizer/model")
    ]


def test_no_other_room_names_a_constraint_or_a_bound() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {name}"
        for path in product_files()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for name in statements()
        if name in node.value
    ]
    assert found == []


def test_a_docstring_without_a_part_is_refused() -> None:
    def rule(m: object, n: str) -> None:
        """A sentence.

        x <= 1

        Unit: t.
        Dual: none.
        Kind: hard.
        """

    with pytest.raises(ValueError, match=r"the docstring of rule has no \['source'\]"):
        constraint(scale=Sizes.one, marginal_value=Untold("it is a test"))(rule)


@pytest.mark.parametrize("name", statements())
def test_a_statement_says_all_that_is_asked_of_it(name: str) -> None:
    statement = statements()[name]
    assert all(getattr(statement, part) for part in ("sentence", "equation", *PARTS))
    assert statement.letters[-1:] in (("n",), ("w",))


@pytest.mark.parametrize("name", variables())
def test_a_variable_has_a_meaning_and_a_unit(name: str) -> None:
    variable = variables()[name]
    assert variable.meaning.endswith(".")
    assert variable.unit
    assert {bound.name for bound in variable.bounds} <= {*registry(), *bounds()}


@pytest.mark.parametrize("name", [name for name, entry in registry().items() if entry.gives_way])
def test_a_sentence_names_nothing_but_the_letters_of_its_constraint(name: str) -> None:
    entry = registry()[name]
    assert entry.gives_way
    for sentence in (entry.gives_way.sentence, entry.gives_way.given_up):
        fields = {field for _, field, _, _ in string.Formatter().parse(sentence) if field}
        assert fields <= {*entry.letters, "amount", "unit"}


def test_no_two_limits_share_a_word_and_no_kind_has_two_prices() -> None:
    told = [entry.marginal_value for entry in statements().values() if isinstance(entry.marginal_value, Limit)]
    kinds = [kind for limit in told for kind in limit.kinds]
    assert len({limit.word for limit in told}) == len(told)
    assert len(set(kinds)) == len(kinds)


def rules() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Functions of the model that say rows: the rules, and what they share."""
    for path in sorted((ROOT / "optimizer/model").glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                arguments = [ast.unparse(argument) for argument in node.args.args]
                if arguments[:1] == ["m: Any"] and "instance: Instance" not in arguments:
                    yield f"{path.name}:{node.name}", node


RULES = dict(rules())


@pytest.mark.parametrize("where", RULES)
def test_a_rule_keeps_to_the_letters(where: str) -> None:
    function = RULES[where]
    names = [argument.arg for argument in function.args.args[1:]]
    for node in ast.walk(function):
        if isinstance(node, ast.comprehension):
            names += [name.id for name in ast.walk(node.target) if isinstance(name, ast.Name)]
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute):
            index = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            variable = variables().get(node.value.attr)
            if variable is not None:
                for at, declared in zip(index, variable.letters, strict=True):
                    assert is_a(ast.unparse(at), declared), ast.unparse(node)
    for name in names:
        letter_of(name)


def test_every_letter_is_used_and_every_index_is_of_letters() -> None:
    indices = [each.letters for each in (*statements().values(), *variables().values())]
    declared = {letter_of(name) for letters in indices for name in letters}
    in_rules = {
        name for rule in RULES.values() for node in ast.walk(rule) if isinstance(node, ast.Name) for name in [node.id]
    }
    assert declared | (in_rules & set(LETTERS)) == set(LETTERS)


@cache
def form_of(path: Path) -> tuple[Instance, Form]:
    """With a tail that weighs, so that costs of nodes stand in rows."""
    scenario = scenarios.load(path)
    if scenario.risk.objective == "cost":
        scenario = scenarios.load(path, [Patch(op="set", path="risk.tail_weight", value=0.5)])
    instance = prepare(scenario)
    return instance, standard_form(build_model(instance), instance)


def ties(path: Path) -> Iterator[tuple[str, Couples]]:
    """What the rows of a scenario tie together beside their own node: (constraint, tie)."""
    instance, form = form_of(path)
    tree = instance.tree
    node_of = {name: node for node, name in enumerate(tree.names)}
    rows = sp.csr_array(form.matrix)
    for row, (component, key) in enumerate(form.rows):
        letters = [form.columns[column] for column in rows.indices[rows.indptr[row] : rows.indptr[row + 1]]]
        if any(variables()[column].letters == () for column, _ in letters):
            yield component, Couples.FUTURES
        own = node_of.get(key[-1])
        nodes = {node_of[at[-1]] for column, at in letters if variables()[column].letters[-1:] == ("n",)} - {own}
        if nodes:
            before = own is not None and nodes == {tree.parent[own]}
            yield component, Couples.NODE_BEFORE if before else Couples.PATH


def test_a_constraint_says_which_nodes_and_futures_its_rows_tie() -> None:
    found: dict[str, set[Couples]] = {}
    for path in (*sorted(FOLDER.glob("*.yaml")), *EXAMPLES):
        for name, tie in ties(path):
            found.setdefault(name, set()).add(tie)
    for name, entry in registry().items():
        seen = found.get(name, set())
        if Couples.PATH in entry.couples and Couples.NODE_BEFORE in seen:  # the way there is short in a tiny scenario
            seen = seen - {Couples.NODE_BEFORE} | {Couples.PATH}
        assert seen == entry.couples - {Couples.MINERAL_GROUPS}, name
