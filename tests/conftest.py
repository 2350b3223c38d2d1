"""Tests see `benchmarks`, and the modules in `scripts`, which are no part of the package."""

import sys
from pathlib import Path

import structlog

ROOT = Path(__file__).parent.parent
sys.path += [str(ROOT), str(ROOT / "scripts")]

# To where pytest keeps what is logged, and not to the terminal.
structlog.configure(logger_factory=structlog.stdlib.LoggerFactory())
