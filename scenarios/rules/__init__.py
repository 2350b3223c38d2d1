"""Rules that a scenario must keep beyond the type of each field. Each file has one subject: its `check` notes errors,
its `warn` notes entries that are unused or have no effect. Rules run when a scenario is read, never when a `Scenario`
is made; `find_problems` and `note_warnings` run all of them.
"""

from __future__ import annotations

from lodeplan.scenarios.rules import (
    consistency,
    demands,
    effects,
    futures,
    hazards,
    onboarding,
    prices,
    references,
    share_caps,
    supply,
    timing,
    unlikely_years,
    unlimited,
)
from lodeplan.scenarios.rules.findings import Findings, Gaps
from lodeplan.schemas.problems import InputProblem
from lodeplan.schemas.scenario import Scenario

_CHECKED = (
    references,
    timing,
    futures,
    hazards,
    consistency,
    prices,
    demands,
    supply,
    effects,
    onboarding,
    unlimited,
)
"""In the order in which problems are told."""
_WARNED = (
    timing,
    unlikely_years,
    futures,
    hazards,
    consistency,
    prices,
    demands,
    supply,
    effects,
    share_caps,
    unlimited,
)
"""In the order in which warnings are told."""


def find_problems(scenario: Scenario, gaps: Gaps | None = None) -> list[InputProblem]:
    """Everything that does not fit together, in the order of the collections.

    `gaps` says what was left out of the scenario as broken: names of it count as known, and checks that
    need it whole are skipped. What depends on an unknown name is not reported a second time.
    """
    findings = Findings(scenario, gaps or Gaps())
    for subject in _CHECKED:
        subject.check(findings)
    return findings.all()


def find_unknown_names(scenario: Scenario, gaps: Gaps | None = None) -> list[InputProblem]:
    """Of the problems, those of names that mean nothing."""
    findings = Findings(scenario, gaps or Gaps())
    references.check(findings)
    return findings.all()


def note_warnings(findings: Findings) -> None:
    """Note what is unused or has no meaning as it stands, of a scenario without problems."""
    for subject in _WARNED:
        subject.warn(findings)
