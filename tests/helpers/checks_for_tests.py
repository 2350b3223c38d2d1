"""Functions that tests run in the place of checks. Run, it is a process that knows them."""

import os
import time
from pathlib import Path


def own_pid() -> int:
    return os.getpid()


def busy_for(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def hold_mb(megabytes: int) -> None:
    bytearray(megabytes * 1_000_000)


def die() -> None:
    os._exit(3)


def break_down() -> None:
    raise ZeroDivisionError


def hang(file: str) -> None:
    Path(file).write_text(str(os.getpid()))
    time.sleep(600)


if __name__ == "__main__":
    from lodeplan.service.checking.process import main

    main()
