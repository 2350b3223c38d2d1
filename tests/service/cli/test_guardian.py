"""The program while it solves: what its guardian says when it dies, and how Ctrl-C reaches it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from job_service import wait_until

PROGRAM = """
import os, signal, sys, time
from lodeplan.optimizer import Problem
from lodeplan.service.cli import main
really_solve = Problem.solve
def solve(self, *, should_stop, **limits):
    print("solving in", os.getpid(), file=sys.stderr, flush=True)
    {does}
    return really_solve(self, should_stop=should_stop, **limits)
Problem.solve = solve
main()
"""
"""`lodeplan` with a solver that does something first."""
READING = """
import os, sys, time
from lodeplan import scenarios
from lodeplan.service.cli import main
def load(*_):
    print("solving in", os.getpid(), file=sys.stderr, flush=True)
    time.sleep(60)
scenarios.load = load
main()
"""
"""The same with a scenario that takes long to read."""
UNTIL_STOPPED = "while not should_stop(): time.sleep(0.01)"


@contextmanager
def program(does: str, folder: Path, code: str = PROGRAM) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`lodeplan solve golden-toy` once it solves, and the process that does."""
    command = [sys.executable, "-P", "-c", code.format(does=does), "solve", "golden-toy"]
    environment = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as started:
        try:
            assert started.stderr
            yield started, int(started.stderr.readline().removeprefix("solving in "))
        finally:
            started.kill()


def is_gone(process: int) -> Callable[[], bool]:
    """A question: is this process gone, or dead and not yet taken note of?"""

    def asked() -> bool:
        try:
            return ") Z " in Path(f"/proc/{process}/stat").read_text()
        except FileNotFoundError:
            return True

    return asked


@pytest.mark.parametrize(
    ("by", "sentence"), [("SIGSEGV", "ended by signal SIGSEGV"), ("SIGKILL", "a lack of memory. It held")]
)
def test_a_solve_that_dies_is_a_sentence_and_its_last_words_are_in_a_file(
    by: str, sentence: str, tmp_path: Path
) -> None:
    with program(f"os.kill(os.getpid(), signal.{by})", tmp_path) as (started, _):
        out, err = started.communicate(timeout=60)
    assert (started.returncode, out) == (1, "")
    assert sentence in err
    assert "Traceback" not in err
    assert "Fatal" not in err
    (log,) = tmp_path.iterdir()
    assert str(log) in err
    assert ("Segmentation fault" in log.read_text(encoding="utf-8")) == (by == "SIGSEGV")


def test_ctrl_c_sent_twice_at_once_asks_the_solver_to_stop_and_its_answer_is_told(tmp_path: Path) -> None:
    with program(UNTIL_STOPPED, tmp_path) as (started, solving):
        assert solving != started.pid
        started.send_signal(signal.SIGINT)
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=60)
    assert started.returncode == 5
    assert err == "\nStopping; Ctrl-C again leaves without a plan.\n"
    assert "The search was stopped on request." in out


def test_ctrl_c_again_leaves_at_once_without_a_plan(tmp_path: Path) -> None:
    with program("time.sleep(60)", tmp_path) as (started, solving):
        started.send_signal(signal.SIGINT)
        time.sleep(0.7)
        started.send_signal(signal.SIGINT)
        out, _ = started.communicate(timeout=30)
    assert (started.returncode, out) == (130, "")
    wait_until(is_gone(solving))


def test_ctrl_c_before_the_search_leaves_at_once(tmp_path: Path) -> None:
    with program("", tmp_path, READING) as (started, _):
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=30)
    assert (started.returncode, out) == (130, "")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("closed", "code", "said"),
    [(">&-", 0, ""), ("2>&-", 0, ""), ("<&-", 0, ""), (">/dev/full", 1, "cannot be written: No space left on device.")],
)
def test_streams_that_are_closed_or_full_are_no_fault_of_the_program(closed: str, code: int, said: str) -> None:
    program = f"{sys.executable} -P -c 'from lodeplan.service.cli import main; main()' solve golden-toy {closed}"
    ended = subprocess.run(program, shell=True, executable="/bin/bash", capture_output=True, text=True, timeout=60)
    assert ended.returncode == code
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == (1 if said else 0)
    assert "The details are in" not in ended.stdout


NOWHERE = "import os, signal, tempfile; tempfile.tempdir = '/nowhere'\n"
"""No temporary folder."""


def test_without_a_temporary_folder_a_solve_goes_on(tmp_path: Path) -> None:
    with program("", tmp_path, NOWHERE + PROGRAM) as (started, _):
        assert started.stdout
        assert started.stderr
        assert started.stderr.read() == ""
        assert "The search is complete." in started.stdout.read()
        assert started.wait(60) == 0


def test_without_a_temporary_folder_the_details_of_a_failure_are_said(tmp_path: Path) -> None:
    with program("raise RuntimeError('of the test')", tmp_path, NOWHERE + PROGRAM) as (started, _):
        assert started.stderr
        said = started.stderr.read()
        assert started.wait(60) == 1
    assert "No temporary folder can be written to, so the details are here:\nTraceback" in said


def test_a_solve_ends_with_its_guardian(tmp_path: Path) -> None:
    with program("time.sleep(60)", tmp_path) as (started, solving):
        assert not is_gone(solving)()
        started.kill()
        wait_until(is_gone(solving))


def test_a_reader_that_has_read_enough_is_no_error_of_ours(tmp_path: Path) -> None:
    with program("pass", tmp_path) as (started, _):
        assert started.stdout
        started.stdout.close()
        assert started.wait(timeout=60) == 1
        assert started.stderr
        assert "rror" not in started.stderr.read()
