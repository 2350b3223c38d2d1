"""Certificates: what they prove follows, and what does not follow is refused."""

import ast
import gzip
import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from folders import ROOT

import lodeplan
from lodeplan.optimizer.certificate.verify import Refused, read_lines, verify
from lodeplan.optimizer.solver.held import HeldModel
from lodeplan.optimizer.solver.highs import Settings
from lodeplan.scenarios import names

VERIFY = ROOT / "optimizer" / "certificate" / "verify.py"
SMALL = [shipped.name for shipped in names() if not shipped.name.startswith("us-2026")]
TAMPERED = 1000


def certified(name: str, path: Path) -> lodeplan.Problem:
    problem = lodeplan.Problem(name)
    problem.solve()
    problem.certify(path)
    return problem


def holds(name: str, path: Path) -> None:
    problem = certified(name, path)
    claims, proven = verify(read_lines(path))
    relaxation = HeldModel(problem.form, Settings()).relaxation(None).objective * problem.form.money_unit
    objective = problem.answer.objective_kusd
    assert claims["objective_kusd"] == pytest.approx(objective, rel=1e-12)
    assert claims["bound_kusd"] == pytest.approx(relaxation, rel=1e-8, abs=1e-6)
    assert claims["bound_kusd"] <= objective
    assert proven.bound is not None
    assert sum(proven.bound_by_group.values()) + Fraction(problem.form.offset) == proven.bound
    assert proven.decisions == problem.form.integer.sum()


@pytest.mark.parametrize("name", SMALL)
def test_every_small_scenario_has_a_certificate_that_loses_nothing_of_the_relaxation(name: str, tmp_path: Path) -> None:
    holds(name, tmp_path / "certificate.gz")


@pytest.mark.slow
def test_a_large_scenario_has_one(tmp_path: Path) -> None:
    holds("us-2026-lite", tmp_path / "certificate.gz")


def sealed(body: list[str]) -> list[str]:
    """The lines with the hash that belongs to them, as somebody would who wants to deceive."""
    text = "".join(line + "\n" for line in body)
    return [*body, f"sha256 {hashlib.sha256(text.encode()).hexdigest()}"]


Tamper = Callable[[list[str], random.Random], list[str]]


def with_claims(body: list[str], **changed: object) -> list[str]:
    return [*body[:-1], "claims " + json.dumps({**json.loads(body[-1][7:]), **changed})]


def lower_cost(body: list[str], dice: random.Random) -> list[str]:
    claims = json.loads(body[-1][7:])
    return sealed(with_claims(body, objective_kusd=claims["objective_kusd"] * (1 - 10 ** dice.uniform(-10, -1))))


def higher_bound(body: list[str], dice: random.Random) -> list[str]:
    claims = json.loads(body[-1][7:])
    return sealed(with_claims(body, bound_kusd=claims["bound_kusd"] * (1 + 10 ** dice.uniform(-14, -1))))


def _with_values(
    body: list[str], pick: Callable[[list[str]], bool], value: Callable[[float], float], dice: random.Random
) -> list[str]:
    """The value of one column changed, and the claimed cost with it."""
    places = [k for k, line in enumerate(body) if line.startswith("c ") and pick(line.split(" ", 7))]
    place = dice.choice(places)
    fields = body[place].split(" ", 7)
    x = value(float(fields[6]))
    claims = json.loads(body[-1][7:])
    dearer = float(fields[1]) * (x - float(fields[6])) * claims["money_unit_kusd"]
    fields[6] = repr(x)
    changed = [*body[:place], " ".join(fields), *body[place + 1 :]]
    return sealed(with_claims(changed, objective_kusd=claims["objective_kusd"] + dearer))


def broken_row(body: list[str], dice: random.Random) -> list[str]:
    return _with_values(
        body, lambda f: f[4] == "number" and f[7].startswith(("ship", "serve", "stock")), lambda x: x * 1.1 + 0.5, dice
    )


def broken_bound(body: list[str], dice: random.Random) -> list[str]:
    return _with_values(body, lambda f: f[2] == "0.0", lambda x: -1e-3 - dice.random(), dice)


def fractional_decision(body: list[str], dice: random.Random) -> list[str]:
    return _with_values(body, lambda f: f[4] == "yes/no", lambda x: dice.uniform(1e-12, 1 - 1e-12), dice)


def other_text(body: list[str], dice: random.Random) -> list[str]:
    """A line changed, the hash as it was; or another hash."""
    lines = sealed(body)
    place = dice.randrange(len(lines))
    return [*lines[:place], lines[place][:-1] + ("0" if lines[place][-1] != "0" else "1"), *lines[place + 1 :]]


def tighter_implied_bound(body: list[str], dice: random.Random) -> list[str]:
    places = [k for k, line in enumerate(body) if line.startswith("b ")]
    place = dice.choice(places)
    _, column, side, value, row = body[place].split(" ")
    closer = float(value) - (1 if side == "upper" else -1) * (1 + abs(float(value))) * dice.uniform(1.5, 10)
    return sealed([*body[:place], f"b {column} {side} {closer!r} {row}", *body[place + 1 :]])


TAMPERS: list[Tamper] = [
    *(lower_cost, higher_bound, broken_row, broken_bound, fractional_decision, other_text, tighter_implied_bound),
]


def test_a_certificate_that_was_tampered_with_is_refused_each_time(tmp_path: Path) -> None:
    bodies = []
    for name in ("golden-toy", "sampled-futures"):
        certified(name, tmp_path / name)
        *body, _ = read_lines(tmp_path / name)
        verify(sealed(body))
        bodies.append(body)
    dice = random.Random(20261130)
    believed = []
    for number in range(TAMPERED):
        tamper = TAMPERS[number % len(TAMPERS)]
        # The first has decisions, the second bounds that rows imply.
        body = bodies[tamper is tighter_implied_bound or (tamper is not fractional_decision and number % 3 == 0)]
        try:
            verify(tamper(body, dice))
        except Refused:
            continue
        believed.append((number, tamper.__name__))
    assert believed == []


@pytest.mark.parametrize("text", ["", "nothing of that kind", "lodeplan-certificate 1\nclaims {}\n", "\x1f"])
def test_what_is_no_certificate_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "certificate"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Refused):
        verify(read_lines(path))


@pytest.mark.parametrize("value", ["nan", "inf", "1e", "", "9" * 400])
def test_a_number_that_is_none_is_refused(value: str, tmp_path: Path) -> None:
    path = tmp_path / "certificate"
    certified("golden-toy", path)
    *body, _ = read_lines(path)
    place = next(k for k, line in enumerate(body) if line.startswith("c "))
    fields = body[place].split(" ", 7)
    fields[6] = value
    with pytest.raises(Refused):
        verify(sealed([*body[:place], " ".join(fields), *body[place + 1 :]]))


def test_the_verifier_is_short_and_needs_the_standard_library_alone() -> None:
    text = VERIFY.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 200
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name) or ""
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names


def test_the_verifier_runs_where_nothing_is_installed(tmp_path: Path) -> None:
    path = tmp_path / "certificate.gz"
    certified("golden-toy", path)
    program = f"import sys; sys.path.insert(0, {str(VERIFY.parent)!r}); import verify; from pathlib import Path; "
    program += f"print(verify.verify(verify.read_lines(Path({str(path)!r})))[0]['scenario'])"
    ended = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "golden-toy\n"


def test_a_problem_without_a_plan_has_nothing_to_certify(tmp_path: Path) -> None:
    floor = {"kind": "service_floor", "tiers": ["military"], "served_share": 1}
    none = [{"op": "set", "path": f"{kind}.*.capacity_t_per_y", "value": 1} for kind in ("facilities", "projects")]
    problem = lodeplan.Problem("golden-toy", [{"op": "set", "path": "limits.floor", "value": floor}, *none])
    assert problem.solve().summary.solution == "none"
    with pytest.raises(lodeplan.PlanError, match="nothing to certify"):
        problem.certify(tmp_path / "certificate")


def test_the_same_problem_has_the_same_certificate(tmp_path: Path) -> None:
    for name in ("one.gz", "two.gz"):
        certified("golden-toy", tmp_path / name)
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()
    assert gzip.decompress((tmp_path / "one.gz").read_bytes()).startswith(b"lodeplan-certificate 1\n")


@pytest.fixture(scope="module")
def toy_body(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    path = tmp_path_factory.mktemp("toy") / "certificate"
    certified("golden-toy", path)
    *body, _ = read_lines(path)
    return body


def refused(body: list[str]) -> str:
    with pytest.raises(Refused) as caught:
        verify(sealed(body))
    return str(caught.value)


def test_two_groups_of_one_name_hide_no_costs(toy_body: list[str]) -> None:
    assert "one name" in refused([toy_body[0], toy_body[1] + "\tmetal", *toy_body[2:]])


@pytest.mark.parametrize("name", ["bound_kusd", "solver_bound_kusd"])
def test_a_bound_above_the_cost_of_the_plan_is_refused(toy_body: list[str], name: str) -> None:
    assert "above what the plan costs" in refused(with_claims(toy_body, **{name: 8000.0}))


@pytest.mark.parametrize("name", ["money_unit_kusd", "objective_kusd", "bound_kusd", "solver_bound_kusd"])
@pytest.mark.parametrize("value", ["text", float("nan"), float("-inf"), [], {}])
def test_a_claim_that_is_no_number_is_refused(toy_body: list[str], name: str, value: object) -> None:
    refused(with_claims(toy_body, **{name: value}))


@pytest.mark.parametrize("claims", ["{}", "[]", "null", "1", "text", "{"])
def test_claims_that_are_none_are_refused(toy_body: list[str], claims: str) -> None:
    refused([*toy_body[:-1], f"claims {claims}"])


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        *[("c ", 4, value) for value in ("perhaps", "yes", "")],
        *[("c ", 5, value) for value in ("-1", "99", "x")],
        *[("r ", 3, value) for value in ("-1", "99", "x")],
        *[("r ", 5, value) for value in ("-1", "1000000000", "0", "x")],
        *[("r ", 6, value) for value in ("-1", "1000000000", "x")],
    ],
)
def test_a_line_that_points_to_nothing_is_refused(toy_body: list[str], kind: str, field: int, value: str) -> None:
    place = next(
        k for k, line in enumerate(toy_body) if line.startswith(kind) and (kind == "c " or line.split(" ")[4] != "0.0")
    )
    fields = toy_body[place].split(" ")
    refused([*toy_body[:place], " ".join([*fields[:field], value, *fields[field + 1 :]]), *toy_body[place + 1 :]])


def test_what_is_held_beside_the_scenario_stands_in_the_certificate(tmp_path: Path) -> None:
    problem = lodeplan.Problem("golden-toy")
    problem.bound("ship", ("metal CHN", "all", "1"), upper=3)
    problem.certify(tmp_path / "certificate")
    claims, _ = verify(read_lines(tmp_path / "certificate"))
    assert len(claims["held"]) == 1
    assert "metal CHN" in claims["held"][0]
    problem.free()
    problem.model.ship["metal CHN", "all", "1"].setub(4)
    problem.certify(tmp_path / "certificate")
    claims, _ = verify(read_lines(tmp_path / "certificate"))
    assert claims["held"] == ["`model.ship`, as changed by hand"]
