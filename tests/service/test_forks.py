"""Solves that are forked: each begins as if no other had been, and where there are no forks they are started."""

import contextlib
import gzip
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from child_here import run_child_here
from job_service import FAKE_CHILD, FAKE_FORK_SERVER, toy, wait_until
from test_worker import Bench, children_of, end, is_gone

from lodeplan import scenarios
from lodeplan.schemas import SolverProgress, Termination
from lodeplan.schemas.jobs import JobOptions, JobState
from lodeplan.schemas.plan import PlanDocument
from lodeplan.service.jobs import submissions
from lodeplan.service.packing import compress
from lodeplan.service.workers import child_process, forks
from lodeplan.service.workers.child_messages import FailedLine
from lodeplan.service.workers.child_process import ChildEnd, HardLimits, Wish, Work, probe_child, run_child
from lodeplan.service.workers.child_solver import ChildSolver
from lodeplan.service.workers.forks import ForkServer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there are no forks")

NOWHERE = ("/nowhere/python",)
"""Command of a child that must be a fork."""


class Watching:
    """A watch that wants what it is told to."""

    def __init__(self) -> None:
        self.wanted = Wish.GO_ON
        self.phases: list[str] = []

    def wish(self) -> Wish:
        return self.wanted

    def progress(self, progress: SolverProgress) -> None:
        self.phases.append(progress.phase)


@contextlib.contextmanager
def closing(server: ForkServer) -> Iterator[ForkServer]:
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def server() -> Iterator[ForkServer]:
    with closing(ForkServer(FAKE_FORK_SERVER)) as server:
        yield server


def work(task: str) -> Work:
    return Work(compress(submissions.canonical_json(toy(task))), JobOptions())


def forked(server: ForkServer, task: str) -> ChildEnd:
    return run_child(NOWHERE, work(task), Watching(), HardLimits(), server)


def in_background(ends: list[ChildEnd], server: ForkServer, task: str, watch: Watching) -> threading.Thread:
    """Run a fork in a thread, and keep its end."""
    run = lambda: ends.append(run_child(NOWHERE, work(task), watch, HardLimits(), server))  # noqa: E731
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def server_of(server: ForkServer) -> int:
    assert server._server is not None
    return server._server._process.pid


def told(ended: ChildEnd) -> dict[str, Any]:
    assert isinstance(ended.last, FailedLine)
    found: dict[str, Any] = json.loads(ended.last.message)
    return found


def test_a_job_that_spoils_all_it_can_reach_harms_none_after_it(server: ForkServer) -> None:
    before = told(forked(server, "tell"))
    spoiled = forked(server, "spoil")
    assert isinstance(spoiled.last, FailedLine)
    assert spoiled.last.message == "It is spoiled."
    assert told(forked(server, "tell")) == before
    assert forked(server, "solve").last == forked(server, "solve").last
    assert forked(server, "solve").document_gzip


def test_a_fork_finds_what_a_started_child_finds(server: ForkServer, monkeypatch: pytest.MonkeyPatch) -> None:
    started = told(run_child(FAKE_CHILD, work("tell"), Watching(), HardLimits()))
    assert told(forked(server, "tell")) | {"descriptors": []} == started | {"descriptors": []}
    assert started["threads"] == 1
    assert started["leads_session"]
    # Of a child that is started two have higher numbers.
    assert told(forked(server, "tell"))["descriptors"] == [0, 1, 2, 3, 4]
    assert len(started["descriptors"]) == 5
    monkeypatch.setenv("LODEPLAN_OF_THIS_JOB", "yes")
    assert told(forked(server, "tell"))["environment"]["LODEPLAN_OF_THIS_JOB"] == "yes"


def test_forks_of_one_server_run_side_by_side(server: ForkServer) -> None:
    watches = [Watching() for _ in range(3)]
    ends: list[ChildEnd] = []
    for watch in watches:
        in_background(ends, server, "hang", watch)
    wait_until(lambda: all(watch.phases for watch in watches))
    assert len(children_of(server_of(server))) == 3
    watches[1].wanted = Wish.KILL
    wait_until(lambda: len(ends) == 1)
    assert len(children_of(server_of(server))) == 2
    for watch in watches:
        watch.wanted = Wish.KILL
    wait_until(lambda: len(ends) == 3)
    assert {ended.killed_for for ended in ends} == {Termination.INTERRUPTED}
    wait_until(lambda: not children_of(server_of(server)))


def test_what_a_fork_shares_with_its_server_does_not_count_as_its_memory() -> None:
    with closing(ForkServer((*FAKE_FORK_SERVER, "300"))) as server:

        def run(task: str) -> ChildEnd:
            return run_child(NOWHERE, work(task), Watching(), HardLimits(memory_mib=100), server)

        small = run("solve-after 0.5")
        assert small.killed_for is None
        assert small.peak_memory_mib is not None
        assert small.peak_memory_mib < 50
        large = run("hoard 200")
        assert large.killed_for is Termination.MEMORY_LIMIT
        assert large.peak_memory_mib is not None
        assert 100 < large.peak_memory_mib < 250
        # What it writes to becomes its own.
        assert run("rewrite").killed_for is Termination.MEMORY_LIMIT


def test_a_cancel_does_not_wait_for_a_server_that_is_still_loading() -> None:
    with closing(ForkServer((sys.executable, "-c", "import time; time.sleep(60)"))) as server:
        watch = Watching()
        watch.wanted = Wish.KILL
        ended = run_child(NOWHERE, work("solve"), watch, HardLimits(), server)
        assert (ended.killed_for, ended.began) == (Termination.INTERRUPTED, False)
        # Nor is it any reason to have no server later.
        assert server._not_before == 0


def test_a_server_that_says_nothing_for_long_is_trouble_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_process, "START_S", 0.2)
    with closing(ForkServer((sys.executable, "-c", "import time; time.sleep(60)"))) as server:
        bench = Bench(tmp_path, ChildSolver(60, FAKE_CHILD, forks=server))
        bench.worker.fitness.first_pause_s = 600
        assert bench.solved("solve").state is JobState.QUEUED
        assert "did not start" in str(bench.worker.trouble())


@pytest.mark.parametrize(
    "command",
    [
        NOWHERE,
        (sys.executable, "-c", "import nothing_of_that_name"),
        (sys.executable, "-c", "raise SystemExit(0)"),
        (sys.executable, "-c", "import os; os.kill(os.getpid(), 11)"),
        (
            sys.executable,
            "-c",
            "import sys, socket, threading, time\n"
            "from lodeplan.service.workers import fork_server\n"
            "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
            "fork_server.serve(socket.socket(fileno=int(sys.argv[1])), lambda: None)",
        ),
    ],
    ids=["missing", "imports", "ends", "crashes", "has threads"],
)
def test_where_no_server_starts_a_child_is_started_and_no_server_is_tried_again_soon(command: tuple[str, ...]) -> None:
    with closing(ForkServer(command)) as server:
        for _ in range(2):
            ended = run_child(FAKE_CHILD, work("solve"), Watching(), HardLimits(), server)
            assert ended.document_gzip
            assert server._server is None
        probe_child(FAKE_CHILD, server)
        with pytest.raises(OSError, match="exit code 3"):
            probe_child((sys.executable, "-c", "raise SystemExit(3)"), server)


def test_a_probe_is_a_fork_that_does_nothing(server: ForkServer) -> None:
    probe_child(NOWHERE, server)
    wait_until(lambda: not children_of(server_of(server)))


CHANGING = """
import importlib, socket, sys
sys.path.insert(0, sys.argv[1])
import lodeplan, fake_child
lodeplan.__path__ = [*lodeplan.__path__, sys.argv[1]]
import lodeplan.of_this_test, of_another_package
from lodeplan.service.workers import fork_server
fork_server.serve(socket.socket(fileno=int(sys.argv[2])), fake_child.begin)
"""


@pytest.mark.parametrize("change", ["a file of Lodeplan", "a file of another package", "all is gone"])
def test_a_server_is_replaced_when_packages_have_changed_under_it_and_its_forks_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(forks, "SETTLED_S", 0)
    ours, other = tmp_path / "of_this_test.py", tmp_path / "of_another_package"
    other.mkdir()
    for file in (ours, other / "__init__.py"):
        file.write_text("")
    (other / "__pycache__").mkdir()
    code = f"import sys; sys.path.append({str(Path(FAKE_CHILD[1]).parent)!r})\n{CHANGING}"
    with closing(ForkServer((sys.executable, "-P", "-c", code, str(tmp_path)))) as server:
        watch = Watching()
        ends: list[ChildEnd] = []
        thread = in_background(ends, server, "solve-after 2", watch)
        wait_until(lambda: watch.phases)
        old = server_of(server)
        assert forked(server, "solve").document_gzip
        assert server_of(server) == old
        if change == "a file of Lodeplan":
            ours.write_text("# later")
        elif change == "a file of another package":
            (other / "__init__.py").rename(other / "old.py")
            (other / "__init__.py").write_text("")
        else:
            (other / "__init__.py").unlink()
        ended = run_child(FAKE_CHILD, work("solve"), Watching(), HardLimits(), server)
        assert ended.document_gzip
        assert server._server is None
        assert not is_gone(old)
        if change != "all is gone":
            assert forked(server, "solve").document_gzip
            assert server_of(server) != old
        end(thread)
        assert ends[0].document_gzip
        wait_until(lambda: is_gone(old))


def test_where_packages_change_all_the_time_there_is_no_server_for_a_while(tmp_path: Path) -> None:
    (tmp_path / "of_this_test.py").write_text("")
    (tmp_path / "of_another_package.py").write_text("")
    code = f"import sys; sys.path.append({str(Path(FAKE_CHILD[1]).parent)!r})\n{CHANGING}"
    with closing(ForkServer((sys.executable, "-P", "-c", code, str(tmp_path)))) as server:
        assert forked(server, "solve").document_gzip
        (tmp_path / "of_this_test.py").write_text("# later")
        for _ in range(2):
            assert run_child(FAKE_CHILD, work("solve"), Watching(), HardLimits(), server).document_gzip
            assert server._server is None


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_a_server_that_somebody_ends_takes_its_forks_along_which_is_trouble_of_the_machine(
    tmp_path: Path, server: ForkServer, name: str
) -> None:
    bench = Bench(tmp_path, ChildSolver(60, NOWHERE, forks=server))
    bench.worker.fitness.first_pause_s = 0.01
    job_id = bench.submit("hang")
    thread = bench.in_background()
    wait_until(lambda: bench.job(job_id).progress)
    (fork,) = children_of(server_of(server))
    os.kill(server_of(server), signal.Signals[name])
    end(thread)
    wait_until(lambda: is_gone(fork))
    assert (bench.job(job_id).state, bench.job(job_id).attempt) == (JobState.QUEUED, 2)
    bench.ask("cancel", job_id)
    # The next fork comes from another one.
    wait_until(lambda: bench.worker.trouble() is None)
    assert bench.solved("solve").state is JobState.SUCCEEDED


def test_a_server_that_is_stopped_does_not_keep_its_forks_from_being_killed(server: ForkServer) -> None:
    watch = Watching()
    ends: list[ChildEnd] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forks, "PATIENCE_S", 0.5)
        thread = in_background(ends, server, "hang", watch)
        wait_until(lambda: watch.phases)
        (fork,) = children_of(server_of(server))
        os.kill(server_of(server), signal.SIGSTOP)
        watch.wanted = Wish.KILL
        end(thread)
    assert ends[0].killed_for is Termination.INTERRUPTED
    wait_until(lambda: is_gone(fork))


def test_no_server_is_left_when_the_worker_has_stopped(tmp_path: Path, server: ForkServer) -> None:
    bench = Bench(tmp_path, ChildSolver(60, FAKE_CHILD, forks=server))
    assert bench.solved("solve").state is JobState.SUCCEEDED
    process = server_of(server)
    bench.worker.stop()
    wait_until(lambda: is_gone(process))
    # What comes too late is started.
    assert run_child(FAKE_CHILD, work("solve"), Watching(), HardLimits(), server).document_gzip


def test_a_refusal_of_handles_in_mid_fork_leaves_none_open(server: ForkServer, monkeypatch: pytest.MonkeyPatch) -> None:
    forked(server, "solve")
    pipe, count = os.pipe, [0]

    def refuse_third() -> tuple[int, int]:
        count[0] += 1
        if count[0] == 3:
            raise OSError(24, "Too many open files")
        return pipe()

    before = sorted(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(forks.os, "pipe", refuse_third)
    with pytest.raises(FileNotFoundError):
        forked(server, "solve")
    monkeypatch.undo()
    wait_until(lambda: len(os.listdir("/proc/self/fd")) <= len(before))


def test_ten_forks_leave_no_handle_behind_and_no_process(server: ForkServer) -> None:
    forked(server, "solve")
    wait_until(lambda: not children_of(server_of(server)))
    processes = ("self", server_of(server))
    before = [len(os.listdir(f"/proc/{process}/fd")) for process in processes]
    for _ in range(10):
        forked(server, "solve")
    wait_until(lambda: not children_of(server_of(server)))
    # Tests before this one may still give handles back.
    for process, count in zip(processes, before, strict=True):
        assert len(os.listdir(f"/proc/{process}/fd")) <= count


def test_the_plan_of_a_fork_is_that_of_a_child_that_is_started_also_after_others() -> None:
    job = Work(compress(submissions.canonical_json(scenarios.load("golden-toy"))), JobOptions())
    with closing(ForkServer()) as server:
        first, second = (run_child(NOWHERE, job, Watching(), HardLimits(), server) for _ in range(2))
    plans = [
        PlanDocument.model_validate_json(gzip.decompress(ended.document_gzip))
        for ended in (first, second, run_child_here((), job, Watching(), HardLimits()))
    ]
    assert plans[0].tables == plans[1].tables == plans[2].tables
    assert len({plan.summary.objective_kusd for plan in plans}) == 1
