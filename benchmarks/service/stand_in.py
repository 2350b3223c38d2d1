"""A solving child that only passes the time: the scenario's description says for how long, `work BUILD_S SEARCH_S`.

It keeps the protocol of `service.workers.child`: lines out, `stop` in, and its own end when its worker dies.
"""

import gzip
import json
import os
import sys
import threading
import time
from pathlib import Path

STOP = threading.Event()


def say(line: str, **fields: object) -> None:
    """Write one line of the protocol."""
    print(json.dumps({"line": line, **fields}), flush=True)


def pass_time(phase: str, seconds: float) -> None:
    """Tell the phase now and then until the time has passed, or somebody wants the solve to stop."""
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds and not STOP.is_set():
        say("progress", progress={"phase": phase, "elapsed_s": passed})
        STOP.wait(0.1)


def listen() -> None:
    """Hear `stop`, and end with the worker."""
    while wish := os.read(0, 1024):
        if b"stop" in wish:
            STOP.set()
    os._exit(9)


def main(scenario: str, result: str) -> None:
    """Pass the time, and write a plan of nothing."""
    threading.Thread(target=listen, daemon=True).start()
    _, build_s, search_s = json.loads(Path(scenario).read_text())["description"].split()
    pass_time("build", float(build_s))
    pass_time("search", float(search_s))
    termination = "interrupted" if STOP.is_set() else "optimal"
    end = {"termination": termination, "solution": "optimal", "objective_kusd": 1.0}
    summary = {"scenario": "stand-in", "scenario_hash": "0", **end}
    Path(result).write_bytes(gzip.compress(json.dumps({"summary": summary, "tables": []}).encode()))
    say("finished", **end)


def begin() -> None:
    """Do what the arguments say."""
    if "--probe" in sys.argv:
        say("started")
    else:
        main(*sys.argv[1:3])


if __name__ == "__main__":
    begin()
