"""What is made once a run, also where several processes share the tests."""

import os
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock


def made_once(name: str, make: Callable[[Path], object]) -> Path:
    """The file of this name in the folder of this run, which `make` writes for the first who asks."""
    file = Path(os.environ["LODEPLAN_TEST_SHARED_FOLDER"]) / name
    with FileLock(f"{file}.lock"):
        if not file.exists():
            half = file.with_suffix(".half")
            make(half)
            half.rename(file)
    return file
