"""The environment of child processes."""

from __future__ import annotations

import os
from collections.abc import Mapping


def with_installed_packages(environment: Mapping[str, str]) -> dict[str, str]:
    """Copy an environment without the relative entries of PYTHONPATH: the folder that this process happens to be in is
    no place for modules."""
    places = environment.get("PYTHONPATH", "").split(os.pathsep)
    absolute = [place for place in places if os.path.isabs(place)]
    copy = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
    return {**copy, "PYTHONPATH": os.pathsep.join(absolute)} if absolute else copy
