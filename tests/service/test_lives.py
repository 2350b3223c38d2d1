"""Job lives under a simulated clock, database and children: no invariant breaks, a seed repeats a run, and faults that
are planted are found.

`benchmarks.service.lives` is the same at length.
"""

import os
import queue
import random
import re
import secrets
import subprocess
import sys
import threading
import time
import uuid
from datetime import UTC, datetime
from types import ModuleType

import pytest
from campaigns import drawn
from folders import ROOT

from benchmarks.service.lives import Life, describe, live, seeds_from, seeds_that_failed
from benchmarks.service.simulation.machines import stand_ins
from benchmarks.service.simulation.planted import PLANTED, planted
from benchmarks.service.simulation.receivers import Receivers
from benchmarks.service.simulation.scheduler import Event, Modules, Process, Queue, Simulator
from lodeplan.service.jobs import batches, prepared, reruns, submissions
from lodeplan.service.storage import moves, quotas, upkeep

PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
SEEDS_OF_A_FAULT = 80
"""Most seeds within which a planted fault must be found."""


def check(life: Life) -> None:
    assert not life.verdict.faults, describe(life, with_trace=True)


def test_a_run_breaks_no_invariant() -> None:
    check(live("quick-3"))


@pytest.mark.slow
def test_the_example_of_the_page_runs() -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    exec(example, {})


def test_actors_go_on_at_their_moments_and_a_dead_process_does_not() -> None:
    simulator, told = Simulator("a"), list[str]()
    one, other = Process("one"), Process("other")

    def speak(word: str, at_s: float) -> None:
        simulator.pause(at_s)
        told.append(f"{word} {simulator.now:g}")

    simulator.spawn(one, "late", lambda: speak("late", 3))
    simulator.spawn(one, "early", lambda: speak("early", 1))
    simulator.spawn(other, "never", lambda: speak("never", 2))
    simulator.spawn(one, "killer", lambda: simulator.kill(other))
    simulator.run(10)
    assert told == ["early 1", "late 3"]
    assert simulator.now == 3


def test_a_frozen_process_goes_on_once_it_thaws() -> None:
    simulator, told = Simulator("a"), list[float]()
    process = Process("one", frozen_until=5)
    simulator.spawn(process, "sleeper", lambda: (simulator.pause(1), told.append(simulator.now)))
    simulator.run(20)
    assert told == [6]


def test_events_queues_threads_and_timers_wait_as_those_of_python() -> None:
    simulator, told = Simulator("a"), list[object]()
    modules, event, items = Modules(simulator), Event(simulator), Queue(simulator)

    def main() -> None:
        thread = modules.threading.Thread(target=lambda: told.append(items.get()), name="taker")
        thread.start()
        told.append((event.wait(2), modules.time.monotonic()))
        modules.threading.Timer(1, event.set).start()
        told.append((event.wait(5), modules.time.monotonic()))
        items.put("item")
        thread.join()
        told.append(thread.is_alive())
        with pytest.raises(queue.Empty):
            items.get(timeout=1)

    simulator.spawn(Process("one"), "main", main)
    simulator.run(100)
    assert told == [(False, 2), (True, 3), "item", False]


OUTSIDE: tuple[ModuleType, ...] = (time, threading, queue, random, secrets, uuid)
"""What gives a run something that its seed does not know."""
OTHERWISE = {
    "workers.worker.queue": "the worker is given its queue",
    "workers.leases.time": "the lease is given its clock",
    "workers.leases.uuid": "the lease is given its id",
    "webhooks.turns.time": "the turns are given their clock",
    "workers.retention.threading": "it is given the event for which it waits",
    "workers.scheduler.threading": "schedules, which no run has",
    "workers.scheduler.random": "schedules, which no run has",
    "webhooks.lookups.threading": "look-ups are simulated as a whole",
    "storage.database.threading": "held while a file is made",
    "storage.silence.time": "connections to PostgreSQL",
    "storage.tables.secrets": "keys, which no run has",
    "api.routers.jobs.time": "waiting polls, which no run has",
}
"""Modules that are asked and not replaced, and why that does no harm."""
NOT_RUN = ("child", "memory", "processor", "fork", "shutdown", "troubles", "runs", "dbos", "inline")
"""Beginnings of the names of modules of which nothing runs: what they do is simulated."""


def test_whatever_a_run_asks_for_time_threads_or_chance_is_simulated() -> None:
    simulator = Simulator("a")
    replaced = {(module, name) for module, names in stand_ins(simulator, Receivers(simulator)) for name in names}
    used = {module for name, module in sys.modules.items() if _runs(name)}
    assert {batches, moves, prepared, quotas, reruns, submissions, upkeep} <= used
    asked = {(module, name) for module in used for name, value in vars(module).items() if value in OUTSIDE}
    assert len(asked) > 10
    left = {f"{module.__name__.removeprefix('lodeplan.service.')}.{name}" for module, name in asked - replaced}
    assert left - {*OTHERWISE} == set()


def _runs(name: str) -> bool:
    """Whether a run calls what is in the module of this name."""
    path = name.removeprefix("lodeplan.service.")
    if path == name or path.rpartition(".")[2].startswith(NOT_RUN):
        return False
    return path.split(".")[0] in ("jobs", "storage", "webhooks", "workers", "engine") or path in (
        "api.intake",
        "api.idempotency",
        "api.routers.jobs",
        "access.quotas",
        "access.audit",
    )


@pytest.mark.slow
def test_lives_of_today_break_no_invariant() -> None:
    word = os.environ.get("LODEPLAN_LIVES", f"{datetime.now(UTC):%Y-%m-%d}")
    print(f"seeds {word}-0 and on")
    seeds, began = seeds_from(word), time.process_time()
    while time.process_time() < began + drawn(ci=40, full=600):
        check(live(next(seeds)))


@pytest.mark.slow
def test_every_seed_that_ever_failed_holds() -> None:
    for seed in seeds_that_failed():
        check(live(seed))


@pytest.mark.slow
def test_a_seed_repeats_a_run_to_the_event_in_another_process() -> None:
    here = live("again-1")
    command = [sys.executable, "-m", "benchmarks.service.lives", "--seed", "again-1"]
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    there = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert there.stdout == describe(here, with_trace=True) + "\n"
    assert len(here.trace) > 20
    assert live("again-2").digest != here.digest


@pytest.mark.slow(about_s=120)
@pytest.mark.parametrize("fault", PLANTED)
def test_a_fault_that_is_planted_is_found_and_its_seed_finds_it_again(fault: str) -> None:
    seeds = seeds_from("planted")
    for _ in range(SEEDS_OF_A_FAULT):
        with planted(fault):
            found = live(next(seeds))
        if found.verdict.faults:
            break
    assert found.verdict.faults, f"not found by {SEEDS_OF_A_FAULT} seeds: {fault}"
    with planted(fault):
        again = live(found.seed)
    assert (again.digest, again.verdict.faults) == (found.digest, found.verdict.faults)
    # It was the fault, and not the run.
    check(live(found.seed))
