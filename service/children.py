"""The environment of child processes."""

from __future__ import annotations

import os
from collections.abc import Mapping

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Variables by which the libraries below numpy start no threads of their own."""

SECRETS = frozenset({"LODEPLAN_DATABASE_URL", "LODEPLAN_TEST_DATABASE_URL", "PGPASSWORD", "PGPASSFILE"})
"""Variables that open the database, which no child uses."""


def environment_of_child(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child: a copy without what opens the database, without threads of numpy, which would take
    the processors of other children, and without the relative entries of PYTHONPATH, as the folder that this process
    happens to be in is no place for modules."""
    places = environment.get("PYTHONPATH", "").split(os.pathsep)
    absolute = [place for place in places if os.path.isabs(place)]
    copy = {name: value for name, value in environment.items() if name not in {*SECRETS, "PYTHONPATH"}} | ONE_THREAD
    return {**copy, "PYTHONPATH": os.pathsep.join(absolute)} if absolute else copy
