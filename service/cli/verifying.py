"""Verifying of certificates on the command line."""

from __future__ import annotations

import gzip
import json
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

from lodeplan.optimizer.certificate.verify import SAME, TOLERANCE, Proven, Refused, read_lines, verify
from lodeplan.service.cli.files import CERTIFICATE, PLAN

_GROUPS_SHOWN = 8


def verdict_of(path: Path) -> dict[str, Any]:
    """Verify a certificate, and hold the plan beside it against it; what was found, as JSON data.

    The path is the folder of a plan, its document, or a certificate. Raises OSError for one that cannot be read.
    """
    folder = path if path.is_dir() else path.parent if path.name == PLAN else None
    file = path if folder is None else folder / CERTIFICATE
    document = file.parent / PLAN if file.name == CERTIFICATE else None
    try:
        claims, proven = verify(read_lines(file))
        found = _found(claims, proven)
        if document is not None and document.exists():
            found |= _held_against(claims, _summary(document))
    except (UnicodeError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        return {"verified": False, "certificate": str(file), "reason": f"This file is no text: {error}."}
    except Refused as refused:
        return {"verified": False, "certificate": str(file), "reason": str(refused)}
    return {"verified": True, "certificate": str(file), **found}


def _found(claims: dict[str, Any], proven: Proven) -> dict[str, Any]:
    unit = Fraction(claims["money_unit_kusd"])
    return {
        "scenario": claims["scenario"],
        "scenario_hash": claims["scenario_hash"],
        "held": claims["held"],
        "rows": proven.rows,
        "columns": proven.columns,
        "decisions": proven.decisions,
        "tolerance": float(TOLERANCE),
        "worst_violation": float(proven.worst[0]),
        "worst_row": proven.worst[1] or None,
        "objective_kusd": claims["objective_kusd"],
        "bound_kusd": claims["bound_kusd"],
        "gap": _gap(claims["objective_kusd"], claims["bound_kusd"]),
        "bound_by_group_kusd": {name: float(bound * unit) for name, bound in proven.bound_by_group.items()},
        "solver_bound_kusd": claims["solver_bound_kusd"],
        "solver_gap": _gap(claims["objective_kusd"], claims["solver_bound_kusd"]),
        "plan": None,
        "check": None,
    }


def _summary(document: Path) -> dict[str, Any]:
    try:
        summary: dict[str, Any] = json.loads(document.read_text(encoding="utf-8"))["summary"]
        return {"scenario": summary["scenario"], "scenario_hash": summary["scenario_hash"], **summary}
    except (ValueError, LookupError, TypeError):
        raise Refused(f"{document} is no document of a plan.") from None


def _held_against(claims: dict[str, Any], summary: dict[str, Any]) -> dict[str, Any]:
    """Hold the plan's own summary against the certificate; raises `Refused` where they are not of the same plan."""
    if summary["scenario_hash"] != claims["scenario_hash"]:
        hashes = f"{summary['scenario_hash'][:12]}..., and the certificate to {claims['scenario_hash'][:12]}..."
        raise Refused(f"The plan beside it belongs to another scenario: to {hashes}")
    cost, certified = summary.get("objective_kusd"), claims["objective_kusd"]
    if cost is None or abs(Fraction(cost) - Fraction(certified)) > SAME * 1000 * max(
        Fraction(1), abs(Fraction(certified))
    ):
        raise Refused(f"The plan beside it says that it costs {cost!r} thousand USD; the certified one {certified!r}.")
    return {"plan": summary["scenario"], "check": summary.get("check")}


def _gap(objective: float, bound: float | None) -> float | None:
    if bound is None:
        return None
    distance = max(0.0, objective - bound)
    return distance / abs(objective) if objective else 0.0 if distance == 0 else None


def print_verdict(verdict: dict[str, Any]) -> None:
    """Print what was verified, and what was not part of it, in sentences."""
    if not verdict["verified"]:
        print(f"REFUSED: {verdict['certificate']}\n{_printable(verdict['reason'])}")
        return
    of = f"{_printable(verdict['scenario'])} ({verdict['scenario_hash'][:12]}...)"
    print(f"Verified: {verdict['certificate']}, a plan of {of}\n")
    if verdict["held"]:
        held = ", ".join(map(_printable, verdict["held"]))
        print(f"Beside the scenario the model holds: {held}. All that follows is true with that alone.\n")
    worst = f"{verdict['worst_violation']:.1g}, in {_printable(verdict['worst_row'])}" if verdict["worst_row"] else "0"
    print(
        f"1. The plan keeps all {verdict['rows']:,} rows and the bounds of {verdict['columns']:,} columns within "
        f"{verdict['tolerance']:g} of what stands in them (largest: {worst}).\n"
        f"   Each of its {verdict['decisions']:,} yes/no decisions is exactly 0 or 1."
    )
    print(f"2. It costs {_money(verdict['objective_kusd'])}.")
    if verdict["bound_kusd"] is None:
        print("3. The multipliers prove no bound: a plan may cost less.")
    else:
        print(
            f"3. No plan costs less than {_money(verdict['bound_kusd'])}, {_share(verdict['gap'])} below: the bound of "
            "the relaxation,\n   by exact arithmetic at the multipliers of the certificate. By mineral group:"
        )
        _print_groups(verdict["bound_by_group_kusd"])
    if verdict["solver_bound_kusd"] is not None:
        print(
            f"\nProven by HiGHS, not by this certificate: no plan costs less than "
            f"{_money(verdict['solver_bound_kusd'])}, {_share(verdict['solver_gap'])} below."
        )
    print("\nThat these rows are those of the scenario is not verified here. " + _on_check(verdict))


def _on_check(verdict: dict[str, Any]) -> str:
    if verdict["check"] is None:
        return "The independent check of the plan does that; the plan is not beside the certificate."
    violation = verdict["check"]["max_violation"]
    return (
        "The independent check does that: it\nreads the scenario and the plan alone, and found a largest violation of "
        f"{violation:.1g} (plan.json)."
    )


def _print_groups(bounds: dict[str, float]) -> None:
    largest = sorted(bounds.items(), key=lambda item: -abs(item[1]))
    width = max((len(name) for name, _ in largest[:_GROUPS_SHOWN]), default=0)
    for name, bound in largest[:_GROUPS_SHOWN]:
        print(f"     {_printable(name.replace('_', ' ')):<{width}}  {_money(bound)}")
    if len(largest) > _GROUPS_SHOWN:
        print(f"     {len(largest) - _GROUPS_SHOWN} more with --json")


def _printable(text: object) -> str:
    """A text from a file without what moves the cursor of a terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in str(text))


def _money(kusd: float) -> str:
    return f"{kusd / 1000:,.6f} million USD"


def _share(gap: float | None) -> str:
    return "not comparable" if gap is None else f"{gap:.4%}"
