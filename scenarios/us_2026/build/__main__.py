"""Writes the tables of both scenarios."""

from __future__ import annotations

from scenarios.us_2026.build.write import write_all

if __name__ == "__main__":
    for path in write_all():
        print(path)
