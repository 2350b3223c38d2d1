"""A scenario on its way to a plan, in steps that can be held and changed: scenario, instance, model, form, answer.

>>> problem = Problem("golden-toy")
>>> round(problem.solve().summary.objective_kusd, 4)
5172.1574
>>> change = problem.change([{"op": "scale", "path": "demands.*.quantity_t_per_y", "value": 1.1}])
>>> change.only_numbers
True
>>> round(problem.solve().summary.objective_kusd, 4)
5706.9307
"""

from __future__ import annotations

import math
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lodeplan import scenarios
from lodeplan.optimizer.certificate.verify import Refused
from lodeplan.optimizer.certificate.writing import Certificate
from lodeplan.optimizer.change import (
    NO_DATA,
    Anew,
    Change,
    Numbers,
    SetDifference,
    changed_fields,
    set_differences,
)
from lodeplan.optimizer.check import check
from lodeplan.optimizer.expand import Expansion, expand
from lodeplan.optimizer.memory import Need
from lodeplan.optimizer.model import build_model
from lodeplan.optimizer.model.by_hand import AsBuilt, refuse_fixed
from lodeplan.optimizer.model.own import add_own, check_name
from lodeplan.optimizer.perfect_information import best_by_future
from lodeplan.optimizer.plan import Plan, PlanError
from lodeplan.optimizer.prepare import Instance, prepare
from lodeplan.optimizer.progress import Listener, Progress, peak_memory_mib
from lodeplan.optimizer.results.endless import gains_without_end
from lodeplan.optimizer.results.extraction import make_plan
from lodeplan.optimizer.results.findings import sampling_findings
from lodeplan.optimizer.solver import (
    Answer,
    Before,
    Control,
    Decisions,
    Form,
    Label,
    checked_options,
    count_changes,
    decisions_in,
    decisions_of,
    find_conflict,
    refuse_hopeless_numbers,
    solve_form,
    split,
    standard_form,
    write_model,
)
from lodeplan.scenarios import check_options
from lodeplan.scenarios.validation import Warnings, find_warnings
from lodeplan.schemas.closest import did_you_mean
from lodeplan.schemas.order import in_order
from lodeplan.schemas.patches import Patch
from lodeplan.schemas.plan import Solution, Termination
from lodeplan.schemas.problems import InputProblem, InvalidInput
from lodeplan.schemas.scenario import Scenario

if TYPE_CHECKING:
    from lodeplan.optimizer.model import ConcreteModel

TOLERANCE = 1e-6
"""Largest violation and cost difference, both relative, that the independent check accepts."""
TO_FREE = "To take a bound back, use `free`."
PACKAGES = ("lodeplan", "pyomo", "highspy", "numpy", "scipy", "pandas")
STEPS = ("read", "expand", "alone", "prepare", "build", "handoff", "highs", "extract")
"""Steps that every plan tells the time of; one that was held took none."""

Source = str | Path | Mapping[str, Any] | Scenario
Patches = Sequence[Patch | Mapping[str, Any]]
Key = tuple[Any, ...]


class Problem:
    """A scenario, and the steps from it to a plan, each made when it is first asked for and held from then on.

    Raises `schemas.InvalidInput` for a bad scenario.
    """

    def __init__(self, source: Source, patches: Patches = (), *, on_progress: Listener | None = None) -> None:
        self._progress = Progress(on_progress)
        with self._progress.phase("read"):
            asked = in_order(scenarios.load(source, patches))
        with self._progress.phase("expand"):
            expansion = expand(asked)
        self._begin(asked, expansion)

    @classmethod
    def written_out(cls, scenario: Scenario) -> Problem:
        """The problem of a valid scenario without survival limits and sampling: it is neither read nor written out."""
        problem = cls.__new__(cls)
        problem._progress = Progress()
        problem._begin(scenario, Expansion(scenario, None))
        problem._found = Warnings([], [])
        return problem

    def _begin(self, asked: Scenario, expansion: Expansion) -> None:
        self._asked, self._expansion = asked, expansion
        self._found: Warnings | None = None
        self._instance: Instance | None = None
        self._best_within = 0.0
        self._model: ConcreteModel | None = None
        self._as_built: AsBuilt | None = None
        self._own: dict[str, Callable[[ConcreteModel], Any]] = {}
        self._compiled: Form | None = None
        self._form: Form | None = None
        self._bounds: dict[Label, tuple[float, float]] = {}
        self._answer: Answer | None = None
        self._last: Decisions = {}
        self._before = Before()

    @property
    def scenario(self) -> Scenario:
        """The scenario as it is solved: survival limits and drawn futures written out."""
        return self._expansion.scenario

    @property
    def warnings(self) -> list[InputProblem]:
        """Open warnings of the scenario, without acknowledged ones."""
        return self._warnings.open

    @property
    def instance(self) -> Instance:
        """The scenario as index sets and arrays, in t, kUSD and years."""
        return self._prepared(self._control())

    @property
    def model(self) -> ConcreteModel:
        """The Pyomo model, to look at and to add to.

        What is added to it by hand, and a bound that is set by hand, are in the form that is compiled next. Whatever
        needs the model built again, such as `change`, `remove` and `write`, is then refused; what `add` adds comes
        back. A variable that is fixed by hand is refused: use `fix`. A form that was held is compiled again.
        """
        if self._model is None:
            self._model = self._built(self.instance)
            self._as_built = AsBuilt(self._model)
        self._drop_form()
        return self._model

    @property
    def form(self) -> Form:
        """The model as arrays in the solver's units, with the bounds of `bound` and `fix`."""
        return self._made(self._control())

    @property
    def answer(self) -> Answer:
        """The solver's last answer; the problem is solved for it where there is none."""
        return self._answer or self.search(self._control())

    def solve(
        self,
        *,
        gap: float | None = None,
        time_limit_s: float | None = None,
        start: Plan | Answer | Literal["last"] | None = "last",
        solver_options: Mapping[str, Any] | None = None,
        log: str | Path | None = None,
        should_stop: Callable[[], bool] | None = None,
        memory_mib: float | None = None,
    ) -> Plan:
        """Search for a plan and check it.

        `gap` (fraction) and `time_limit_s` (seconds of search) override the scenario's. The search starts from the
        decisions of the last answer, of another plan or answer, or, with None, from nothing: then the plan is the one
        that a new problem would find; else it is as good within the gap. `solver_options` are those of HiGHS, and
        `log` is a file that gets its log behind what it holds. `should_stop` is asked during the search: true ends it
        with the best plan so far. `memory_mib` is what this process may hold.

        Raises `schemas.InvalidInput` for a bad option, `MemoryError` for a problem that by its size cannot fit in
        `memory_mib`, `PlanError` when the independent check refuses the plan. That a
        problem is infeasible, or its cost falls without end, is no error: the plan says so and names why.
        """
        check_options(gap, time_limit_s)
        options = checked_options(solver_options) if solver_options else {}
        control = replace(
            self._control(gap, time_limit_s),
            options=options,
            log=None if log is None else Path(log),
            should_stop=should_stop,
        )
        if memory_mib is not None:
            Need.of(self._prepared(control)).refuse_beyond(memory_mib)
        return self.plan_of(self.search(control, start))

    def search(self, control: Control, start: Plan | Answer | Literal["last"] | None = "last") -> Answer:
        """The solver's answer, not made a plan yet; `control` says how far to search and who listens."""
        self._drop_coarse_regret(control)
        instance, form = self._prepared(control), self._made(control)
        decisions = self._decisions_of(start, form)
        if start is None:
            self._before = Before()
        control = replace(control, before=self._before)
        with self._progress.phase("highs"):
            self._answer = solve_form(instance, form, control, decisions)
        self._last = decisions_of(form, self._answer) or self._last
        return self._answer

    def plan_of(self, answer: Answer) -> Plan:
        """The checked plan of an answer to the problem as it stands. Raises what `solve` does."""
        if not isinstance(answer, Answer):
            message, allowed = "no plan is made from this.", "an answer, such as `problem.answer`"
            raise InvalidInput([_wrong_type("answer", message, type(answer).__name__, allowed)])
        instance, form = self.instance, self.form
        if answer.x is not None and len(answer.x) != len(form.columns):
            raise ValueError("This is an answer to another problem: it has another number of columns.")
        with self._progress.phase("extract"):
            plan = make_plan(instance, form, answer)
        found: dict[str, Any] = {
            **self._judged(plan, answer),
            "scenario_hash": self._asked.content_hash(),
            "warnings": self._warnings.open,
            "acknowledged": self._warnings.acknowledged,
        }
        if (sampling := self._expansion.sampling) is not None:
            found["sampling"] = sampling
            found["findings"] = [*plan.summary.findings, *sampling_findings(sampling)]
        return self._finished(plan, found)

    def change(self, patches: Patches) -> Change:
        """Change the scenario: numbers of a held form in place; what no longer fits is made when it is next asked for.

        Bounds of `bound` and `fix` and components of `add` stay, and so do the last answer's decisions, from which the
        next search starts. Nothing changes where this raises: `schemas.InvalidInput` for patches that do not fit.
        """
        self._refuse_what_was_changed_by_hand()
        with self._progress.phase("read"):
            asked = in_order(scenarios.load(self._asked, patches))
        with self._progress.phase("expand"):
            expansion = expand(asked)
        fields, before = changed_fields(self._asked, asked), self._instance
        held = {"instance": before, "model": self._model, "form": self._compiled, "answer": self._answer}
        if set(fields) <= {*NO_DATA}:
            self._asked, self._expansion, self._found = asked, expansion, None
            self._instance = before and replace(before, scenario=expansion.scenario)
            return Change(fields, tuple(name for name, step in held.items() if step is not None), ())
        with self._progress.phase("prepare"):
            after = None if before is None else prepare(expansion.scenario, before=before)
        differences = tuple(set_differences(before, after)) if before is not None and after is not None else ()
        regret = expansion.scenario.risk.objective == "maximum_regret"
        anew = self._why_anew(differences, regret=regret)
        form, numbers = self._compiled, None
        if anew is None and after is not None and form is not None:
            after_form = self._handed_off(after)
            if form.has_labels_of(after_form):
                numbers = Numbers(**count_changes(form, after_form))
                after_form = replace(after_form, columns=form.columns, rows=form.rows)
            else:
                anew = Anew.ROWS
            form = after_form
        self._asked, self._expansion, self._found = asked, expansion, None
        self._forget_instance()
        self._instance = None if regret else after
        self._compiled = form if anew in (None, Anew.ROWS) else None
        return Change(fields, (), differences, numbers, anew)

    def _why_anew(self, differences: tuple[SetDifference, ...], *, regret: bool) -> Anew | None:
        """Why a form with other numbers cannot take the place of the one that is held, so far as that is known before
        it is made."""
        reasons = {
            Anew.REGRET: regret,
            Anew.ROW_BY_ROW: self._model is not None or bool(self._own),
            Anew.NO_FORM: self._compiled is None,
            Anew.INDEX_SETS: bool(differences),
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    def add(self, name: str, make: Callable[[ConcreteModel], Any]) -> None:
        """Add a Pyomo component of one's own, such as a constraint, made from the model whenever it is built.

        Its rows are in units of the model, and their duals in the table `marginal_values`, by this name. Raises
        `schemas.InvalidInput` for a name that is none or that the model has, and for what the solver cannot be given:
        no component, one of another kind such as an objective, a constraint that is not linear, that has a variable of
        another model or a number that is not finite, or that can never hold. `remove` takes it out again.
        """
        check_name(name)
        model = self.model
        if hasattr(model, name):
            message, remedy = "the model has this name already.", "Give another name."
            raise InvalidInput(
                [InputProblem(code="name_taken", path="name", message=message, value=name, remedy=remedy)]
            )
        add_own(model, name, make)
        self._own[name] = make
        if self._as_built is not None:
            self._as_built.note(model.component(name))

    def remove(self, name: str) -> None:
        """Take out a component that `add` put in, with the bounds of its variables; the model is built anew without it.

        Raises `schemas.InvalidInput` for a name that `add` did not give, and while what was added later needs it.
        """
        if name not in list(self._own):
            added = ", ".join(map(repr, self._own)) or "nothing"
            message = f"`add` has put no {name!r} into the model; it has put in {added}."
            raise InvalidInput([InputProblem(code="unknown_component", path="name", message=message)])
        self._refuse_what_was_changed_by_hand()
        self._refuse_where_it_is_needed(name)
        del self._own[name]
        self._bounds = {label: held for label, held in self._bounds.items() if label.component != name}
        self._model = None
        self._drop_form()

    def bound(self, variable: str, index: Any, lower: float | None = None, upper: float | None = None) -> None:
        """Hold a variable of the model between bounds, in its own unit, within those that it has.

        `index` is as in Pyomo: a member of the variable's index set, None for a variable without one. These bounds
        replace those of an earlier `bound` or `fix`, both sides of them. Raises `schemas.InvalidInput` for a variable
        that is not there, for no bound at all, and for bounds that it cannot keep.
        """
        label = _label(variable, index)
        if lower is None and upper is None:
            message, allowed = "no bound is given.", "`lower`, `upper` or both"
            raise InvalidInput([_wrong_type(f"model.{label.component}", message, None, allowed, TO_FREE)])
        low, high = _side(label, lower, -math.inf), _side(label, upper, math.inf)
        form = self._compiled_form()
        self._bounded(form, {label: (low, high)})
        self._bounds[label] = low, high
        self._drop_bounded()

    def fix(self, variable: str, index: Any, value: float) -> None:
        """Hold a variable of the model at a value, in its own unit; as `bound`."""
        if value is None:
            raise InvalidInput([_no_number(_label(variable, index), value)])
        self.bound(variable, index, value, value)

    def free(self, variable: str | None = None, index: Any = None) -> None:
        """Take back the bounds of a variable: of all its indices without one, of all variables without a variable.

        Raises `schemas.InvalidInput` for a variable that is neither held nor there.
        """
        label = None if variable is None or index is None else _label(variable, index)
        freed = [held for held in self._bounds if variable in (None, held.component) and label in (None, held)]
        if variable is not None and not freed:
            form = self._compiled_form()
            there = [form.columns[column] for column in form.columns_of(variable).tolist()]
            if not there or label not in (None, *there):
                raise InvalidInput([_no_column(label or _label(variable, index), form)])
        for held in freed:
            del self._bounds[held]
        self._drop_bounded()

    def write(self, path: str | Path) -> None:
        """Write the model for other solvers, in t, kUSD and years: as `.lp` or as `.mps`, by the name of the file."""
        self._refuse_what_was_changed_by_hand()
        write_model(self._built(self.instance), self._bounds, Path(path))

    def certify(self, path: str | Path) -> None:
        """Write what proves the last plan and a bound to a file, compressed where its name ends in `.gz`, for
        `lodeplan verify`. The relaxation is solved for it; and the problem, where there is no plan of it as it stands.

        What is held beside the scenario (`bound`, `fix`, `add`) is named in the certificate, since it is a part of what
        is proven.

        Raises `PlanError` where there is no plan, and where it keeps its rows within the solver's tolerance, but not
        within that of a certificate.
        """
        answer, form = self.answer, self.form
        if answer.x is None:
            raise PlanError("There is no plan, so there is nothing to certify.")
        about = {
            "scenario": self._asked.name,
            "scenario_hash": self._asked.content_hash(),
            "solver_bound_kusd": answer.bound_kusd if math.isfinite(answer.bound_kusd) else None,
            "held": self._names_of_held(),
            "versions": {package: version(package) for package in PACKAGES},
        }
        try:
            blocks = tuple(split(self.instance, form))
            Certificate.of(form, answer.x / form.column_unit, blocks).write(Path(path), about)
        except Refused as error:
            raise PlanError(f"The plan cannot be certified: {error}") from None

    @property
    def _warnings(self) -> Warnings:
        """Warnings, looked for when they are first asked for: not at each of a hundred changes."""
        if self._found is None:
            self._found = find_warnings(self._asked)
        return self._found

    def _control(self, gap: float | None = None, time_limit_s: float | None = None) -> Control:
        options = self._asked.solve
        asked = options.gap if gap is None else gap
        return Control(
            gap=asked,
            gap_of_worth=asked if options.gap_of == "worth" else None,
            time_limit_s=options.time_limit_s if time_limit_s is None else time_limit_s,
            threads=options.threads,
            report=self._progress.report,
        )

    @property
    def _has_regret(self) -> bool:
        return self.scenario.risk.objective == "maximum_regret"

    def _drop_coarse_regret(self, control: Control) -> None:
        """Have regret held against plans that are found within the gap asked for now."""
        if self._instance is not None and self._has_regret and control.gap < self._best_within:
            self._refuse_what_was_changed_by_hand()
            self._forget_instance()

    def _prepared(self, control: Control) -> Instance:
        if self._instance is None:
            with self._progress.phase("alone"):
                best = best_by_future(self.scenario, control, _searched) if self._has_regret else {}
            with self._progress.phase("prepare"):
                self._instance = prepare(self.scenario, best)
            self._best_within = control.gap
        return self._instance

    def _built(self, instance: Instance, *, to_hand_off: bool = False) -> ConcreteModel:
        """The model; one that is only handed off, and that nobody adds to, is made as arrays."""
        with self._progress.phase("build"):
            model = build_model(instance, as_arrays=to_hand_off and not self._own)
            for name, make in self._own.items():
                try:
                    add_own(model, name, make)
                except Exception as error:
                    error.add_note(f"This comes from {name!r}, which `Problem.add` puts into the model.")
                    raise
            return model

    def _compiled_form(self, control: Control | None = None) -> Form:
        """The form without the bounds of `bound`. A model that nobody asked for is not held: it may be large."""
        if self._compiled is None:
            self._compiled = self._handed_off(self._prepared(control or self._control()))
        return self._compiled

    def _handed_off(self, instance: Instance) -> Form:
        model = self._model if self._model is not None else self._built(instance, to_hand_off=True)
        if self._model is not None or self._own:
            refuse_fixed(model, self._own)
        with self._progress.phase("handoff"):
            return standard_form(model, instance)

    def _made(self, control: Control) -> Form:
        self._prepared(control)
        if self._form is None:
            self._form = self._bounded(self._compiled_form(control), self._bounds)
        return self._form

    def _bounded(self, form: Form, bounds: Mapping[Label, tuple[float, float]]) -> Form:
        """A form with these bounds of its variables; raises `schemas.InvalidInput` where one cannot be."""
        if not bounds:
            return form
        named = form.columns_of(*{label.component for label in bounds}).tolist()
        problems, place = [], {form.columns[column]: column for column in named}
        for label, (lower, upper) in bounds.items():
            if label not in place:
                problems.append(_no_column(label, form))
            elif lower > upper:
                problems.append(_crossed(label, lower, upper))
            else:
                problems += _never_kept(label, (lower, upper), form, place[label])
        if problems:
            raise InvalidInput(problems)
        columns = np.array([place[label] for label in bounds], np.int64)
        least, most = np.array(list(bounds.values())).T / form.column_unit[columns]
        return form.within(columns, least, most)

    def _decisions_of(self, start: Plan | Answer | str | None, form: Form) -> Decisions:
        if start is None:
            return {}
        if isinstance(start, Answer):
            if start.x is not None and len(start.x) != len(form.columns):
                raise ValueError("This is an answer to another problem; start from its plan instead.")
            return decisions_of(form, start)
        if isinstance(start, Plan):
            return decisions_in(start, form)
        if not isinstance(start, str) or start != "last":
            found = start if isinstance(start, str) else type(start).__name__
            allowed = "a plan, an answer, `last`, or None"
            message = "nothing can be started from this."
            raise InvalidInput(
                [InputProblem(code="bad_start", path="start", message=message, value=found, allowed=allowed)]
            )
        return self._last

    def _judged(self, plan: Plan, answer: Answer) -> dict[str, Any]:
        """The independent check's verdict; where there is no plan, what clashes or what is gained without end."""
        instance, form = self.instance, self.form
        if answer.solution == Solution.NONE:
            if answer.termination == Termination.INFEASIBLE:
                return {"conflict": [*find_conflict(instance, form), *self._held_besides()]}
            if answer.termination == Termination.UNBOUNDED:
                return {"conflict": gains_without_end(instance, form, answer)}
            return {}
        with self._progress.phase("check"):
            verdict = check(instance.scenario, plan.tables, objective_kusd=answer.objective_kusd)
        if verdict.max_violation > TOLERANCE or verdict.cost_difference_rel > TOLERANCE:
            refuse_hopeless_numbers(instance, form)
            raise PlanError(
                f"The independent check refuses this plan: largest violation {verdict.max_violation:.3g}, cost "
                f"difference {verdict.cost_difference_rel:.3g}, both allowed {TOLERANCE:g}.\n"
                + "\n".join(verdict.worst)
            )
        return {"check": verdict}

    def _names_of_held(self) -> list[str]:
        by_hand = [f"`model.{name}`, as changed by hand" for name in self._names_of_changed()]
        return [*map(_by_index, self._bounds), *(f"`{name}`" for name in self._own), *by_hand]

    def _names_of_changed(self) -> list[str]:
        """Components that were changed in the model by hand."""
        return [] if self._model is None or self._as_built is None else self._as_built.changed(self._model)

    def _held_besides(self) -> list[str]:
        """A sentence on what `bound`, `fix` and `add` hold, which may be why nothing else can."""
        held = self._names_of_held()
        return [f"These also apply, besides the scenario: {', '.join(held)}."] if held else []

    def _finished(self, plan: Plan, found: dict[str, Any]) -> Plan:
        timings = {**dict.fromkeys(STEPS, 0.0), **self._progress.ended()}
        record = {
            **found,
            "timings_s": {phase: round(seconds, 4) for phase, seconds in timings.items()},
            "peak_memory_mib": peak_memory_mib(),
            "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        }
        return Plan(plan.summary.model_copy(update=record), plan.tables, plan.scenario)

    def _refuse_what_was_changed_by_hand(self) -> None:
        if not (names := self._names_of_changed()):
            return
        message = f"the model has to be built again, without what was changed in it by hand ({', '.join(names)})."
        remedy = "Add components with `Problem.add`, and hold variables with `Problem.bound` or `Problem.fix`."
        raise InvalidInput([InputProblem(code="changed_by_hand", path="model", message=message, remedy=remedy)])

    def _refuse_where_it_is_needed(self, name: str) -> None:
        """Raise `schemas.InvalidInput` where a component that was added later cannot be made without this one."""
        try:
            model = self.model
        except Exception:
            return  # The model cannot be made with it; it may be what has to go.
        later = list(self._own)[list(self._own).index(name) :]
        for own in later:
            model.del_component(own)
        self._model = None
        for own in later[1:]:
            try:
                add_own(model, own, self._own[own])
            except Exception:
                message, remedy = f"{own!r} cannot be made without {name!r}.", f"Take out {own!r} first."
                raise InvalidInput(
                    [InputProblem(code="in_use", path="name", message=message, value=name, remedy=remedy)]
                ) from None

    def _forget_instance(self) -> None:
        self._instance = self._model = None
        self._drop_form()

    def _drop_form(self) -> None:
        self._compiled = None
        self._drop_bounded()

    def _drop_bounded(self) -> None:
        self._form = self._answer = None


def _searched(scenario: Scenario, control: Control) -> tuple[Instance, Form, Answer]:
    problem = Problem.written_out(scenario)
    answer = problem.search(control)
    return problem.instance, problem.form, answer


def _label(variable: Any, index: Any) -> Label:
    """The label of a variable; raises `schemas.InvalidInput` for what can be no name and no index."""
    if not isinstance(variable, str):
        allowed = 'a name, such as "ship"'
        raise InvalidInput([_wrong_type("variable", "this is no name of a variable.", variable, allowed)])
    label = Label(variable, tuple(index) if isinstance(index, tuple | list) else (index,))
    try:
        hash(label)
    except TypeError:
        allowed = 'names and numbers, such as ("metal CHN", "all", "1")'
        raise InvalidInput([_wrong_type(f"model.{variable}", "this is no index.", repr(index), allowed)]) from None
    return label


def _side(label: Label, given: Any, none: float) -> float:
    """A bound as a number; `none` where there is none. Raises `schemas.InvalidInput` for anything else."""
    if given is None:
        return none
    try:
        side = float(given) if isinstance(given, Real) else math.nan
    except OverflowError:
        side = math.nan
    if not (math.isfinite(side) or side == none):
        raise InvalidInput([_no_number(label, given)])
    return side


def _no_number(label: Label, given: Any) -> InputProblem:
    found = f"a whole number of {given.bit_length()} bits" if isinstance(given, int) else str(given)
    allowed = "numbers of at most 1.79e308"
    return _wrong_type(f"model.{label.component}", "this is not a finite number.", found, allowed, TO_FREE)


def _wrong_type(path: str, message: str, value: Any, allowed: str, remedy: str | None = None) -> InputProblem:
    return InputProblem(code="wrong_type", path=path, message=message, value=value, allowed=allowed, remedy=remedy)


def _never_kept(label: Label, held: tuple[float, float], form: Form, column: int) -> list[InputProblem]:
    """The error of bounds that share no value with those that the variable has in the model."""
    unit = form.column_unit[column]
    least, most = float(form.column_lower[column] * unit), float(form.column_upper[column] * unit)
    lower, upper = max(held[0], least), min(held[1], most)
    slack = TOLERANCE * max(1.0, abs(lower))
    whole = bool(form.integer[column])
    if lower <= upper + slack and not (whole and math.ceil(lower - slack) > upper + slack):
        return []
    return [
        InputProblem(
            code="bounds_cross",
            path=f"model.{label.component}",
            message=f"{_by_index(label)} cannot keep these bounds.",
            value=list(held),
            allowed=f"{'whole numbers' if whole else 'values'} {_between(least, most)}, as the model has it",
        )
    ]


def _between(least: float, most: float) -> str:
    return f"from {least:g} to {most:g}" if math.isfinite(most) else f"from {least:g} on"


def _by_index(label: Label) -> str:
    of = "" if label.key == (None,) else f" of {', '.join(map(str, label.key))}"
    return f"`{label.component}`{of}"


def _no_column(label: Label, form: Form) -> InputProblem:
    variables = sorted({part.component for part in form.columns.ranges})
    if label.component in variables:
        example = form.columns[int(form.columns_of(label.component)[0])].key
        remedy = f"An index of `{label.component}` in the model is {example if len(example) > 1 else example[0]!r}."
    else:
        remedy = did_you_mean(label.component, variables) or f"Variables are {', '.join(variables)}."
    return InputProblem(
        code="unknown_variable",
        path=f"model.{label.component}",
        message="the model has no such variable, or nothing in it depends on it.",
        value=label.key[0] if len(label.key) == 1 else label.key,
        remedy=remedy,
    )


def _crossed(label: Label, lower: float, upper: float) -> InputProblem:
    return InputProblem(
        code="bounds_cross",
        path=f"model.{label.component}",
        message="the lower bound lies above the upper one.",
        value=[lower, upper],
    )
