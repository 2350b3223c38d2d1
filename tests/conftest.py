"""Tests see `benchmarks`, and the modules in `scripts`, which are no part of the package."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path += [str(ROOT), str(ROOT / "scripts")]
