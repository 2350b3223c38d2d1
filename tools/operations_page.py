"""The tables of `docs/operations.md` that the program itself knows: settings and metrics.

`python -m tools.operations_page` writes them between their marks; the rest of the page is written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import Metric

from lodeplan.service.settings import PREFIX, Settings
from lodeplan.service.telemetry import database_metrics, metrics

PAGE = Path(__file__).parent.parent / "docs/operations.md"
COMPUTED = {"data_dir": "the user's data folder", "slots": "half the processors"}
"""Defaults that depend on the machine, in words."""


def settings_table() -> str:
    """Every setting with its default and what it is."""
    rows = ["| variable | default | is |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        assert field.description, f"the setting {name} has no description"
        default = COMPUTED[name] if field.default_factory else _written(field.default)
        rows.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


def _written(default: Any) -> str:
    return f"`{default}`" if default not in ("", None) else "none"


def metrics_table() -> str:
    """Every metric with its kind, its labels and what it counts."""
    rows = ["| metric | kind | labels | is |", "|---|---|---|---|"]
    for metric, labels in [*_of_the_process(), *_of_the_database()]:
        name = metric.name + ("_total" if metric.type == "counter" else "")
        shown = ", ".join(f"`{label}`" for label in labels)
        rows.append(f"| `{name}` | {metric.type} | {shown} | {metric.documentation} |")
    return "\n".join(rows)


def _of_the_process() -> Iterator[tuple[Metric, tuple[str, ...]]]:
    for made in vars(metrics).values():
        if isinstance(made, Counter | Gauge | Histogram):
            yield from ((metric, made._labelnames) for metric in made.describe())


def _of_the_database() -> Iterator[tuple[Metric, tuple[str, ...]]]:
    for family in database_metrics._families().values():
        yield family, family._labelnames


def written(page: str) -> str:
    """The page with its tables as they should be; raises `ValueError` if one has no place."""
    for name, table in {"settings": settings_table(), "metrics": metrics_table()}.items():
        place = re.compile(rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        page, count = place.subn(lambda found, table=table: found[1] + table + "\n" + found[2], page)
        if count != 1:
            raise ValueError(f"{PAGE} has no place for the table of {name}")
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
