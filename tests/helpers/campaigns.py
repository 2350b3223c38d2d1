"""How many cases a campaign draws.

The fast tests draw a few, always the same. CI draws more, ever new ones. LODEPLAN_CAMPAIGNS=full draws as many as
before a release; CONTRIBUTING.md has the commands.
"""

import os

IS_FULL = {"": False, "small": False, "full": True}[os.environ.get("LODEPLAN_CAMPAIGNS", "")]


def drawn(*, ci: int, full: int) -> int:
    """How many cases a slow test draws."""
    return full if IS_FULL else ci
