"""A solving child that solves nothing: it does what the scenario's description says."""

import gzip
import json
import os
import signal
import sys
import time
from pathlib import Path

SUMMARY = {"scenario": "fake", "scenario_hash": "0", "objective_kusd": 3.5}
TABLE = {
    "name": "made_up",
    "title": "Shipments",
    "columns": [{"name": "route"}, {"name": "ship_t_per_y", "unit": "t/y"}],
    "rows": [["ore, raw", 1.5], ['say "metal"', None]],
}


def say(line: str, **fields: object) -> None:
    print(json.dumps({"line": line, **fields}), flush=True)


def finish(result: str, termination: str, solution: str) -> None:
    summary = {**SUMMARY, "termination": termination, "solution": solution}
    document = {"plan_version": 2, "summary": summary, "tables": [TABLE] if solution != "none" else []}
    Path(result).write_bytes(gzip.compress(json.dumps(document).encode()))
    say("finished", termination=termination, solution=solution, objective_kusd=3.5)


def what_it_finds() -> dict[str, object]:
    """What a process has around it."""
    return {
        "arguments": sys.argv[3:],
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "descriptors": sorted(int(number) for number in os.listdir("/proc/self/fd"))[:-1],
        "leads_session": os.getsid(0) == os.getpid(),
        "signals": [str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
        "masked": [int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
        "threads": len(os.listdir("/proc/self/task")),
        "umask": os.umask(0),
    }


def main(scenario: str, result: str) -> None:
    task = json.loads(Path(scenario).read_text())["description"]
    say("progress", progress={"phase": "search", "elapsed_s": 0.1, "gap": 0.25})
    match task.split():
        case ["solve"]:
            finish(result, "optimal", "optimal")
        case ["end", termination, solution]:
            finish(result, termination, solution)
        case ["wait-for-stop", solution]:
            sys.stdin.readline()
            finish(result, "interrupted", solution)
        case ["solve-after", seconds]:
            time.sleep(float(seconds))
            finish(result, "optimal", "optimal")
        case ["hang"]:
            time.sleep(60)
        case ["hoard", megabytes]:
            held = [bytearray(1_000_000) for _ in range(int(megabytes))]
            time.sleep(60)
            finish(result, "optimal", str(len(held)))
        case ["rewrite"]:
            # What the server held before it forked.
            for block in sys.modules["__main__"].held:
                block[::1000] = b"y" * len(block[::1000])
            time.sleep(60)
        case ["rewrite"]:
            # What the server held before it forked.
            for block in sys.modules["__main__"].held:
                block[::1000] = b"y" * len(block[::1000])
            time.sleep(60)
        case ["die", number]:
            os.kill(os.getpid(), signal.Signals[number])
        case ["die-once", number, mark]:
            if not Path(mark).exists():
                Path(mark).touch()
                os.kill(os.getpid(), signal.Signals[number])
            finish(result, "optimal", "optimal")
        case ["exit", code]:
            sys.exit(int(code))
        case ["babble"]:
            print("not json")
            finish(result, "optimal", "optimal")
        case ["refuse"]:
            problem = {"code": "no_flow_limit", "path": "routes.ore", "message": "no limit.", "remedy": "Set one."}
            say("failed", code="invalid_input", message="routes.ore: no limit.", problems=[problem])
        case ["spoil"]:
            json.loads = gzip.compress = None
            os.environ.clear()
            os.environ["SPOILED"] = "yes"
            os.chdir("/")
            sys.path.clear()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            say("failed", code="internal_error", message="It is spoiled.")
        case ["tell"]:
            say("failed", code="internal_error", message=json.dumps(what_it_finds()))
        case ["fail"]:
            say("failed", code="internal_error", message="It broke.", trace="Traceback: secret")


def begin() -> None:
    """Do what the arguments say."""
    if "--probe" in sys.argv:
        say("started")
    else:
        main(*sys.argv[1:3])


if __name__ == "__main__":
    begin()
