"""Writes the tables of both scenarios: in their place, or in folders of the one given, to look at."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.us_2026_build.write import write_all

if __name__ == "__main__":
    for path in write_all(Path(sys.argv[1]) if len(sys.argv) > 1 else None):
        print(path)
