"""Tests see `benchmarks` and `scripts` too, which are no part of the package."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent))
