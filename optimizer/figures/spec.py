"""Parts shared by all figures: the frame of a Vega-Lite specification, and colours with one meaning everywhere."""

from __future__ import annotations

from typing import Any

Spec = dict[str, Any]
"""A Vega-Lite specification: plain data, ready for JSON."""

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"

BLUE, GREEN, OCHRE, RED = "#2f74b5", "#2e8b57", "#b7791f", "#c53030"
TEAL, VIOLET, GREY = "#1f8a8a", "#7a5bb0", "#7a828c"
"""Readable on white and on near-black; red is kept for what goes wrong."""

SERIES = [BLUE, OCHRE, GREEN, VIOLET, TEAL, RED, GREY, "#a8527a", "#7f9c2f", "#4a5fc1", "#d9a441", "#5aa9c7", "#c98a6b",
          "#8d6e4f"]  # fmt: skip
"""Colours of series without a meaning of their own, in order: one each, as a figure shows no more series than these."""


def figure(description: str, height: int, layers: list[Spec]) -> Spec:
    """A specification as wide as its place and `height` pixels high, with a description for those who cannot see it."""
    return {
        "$schema": SCHEMA,
        "description": description,
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": {"view": {"stroke": None}, "axis": {"domain": False, "ticks": False, "labelPadding": 6}},
        "layer": layers,
    }


def nothing(sentence: str) -> Spec:
    """The figure where there is nothing to show: the sentence that says so, also as `usermeta.nothing` for pages."""
    text = {"type": "text", "align": "left", "baseline": "middle", "fontSize": 13, "limit": 0}
    encoding = {"text": {"field": "sentence"}, "x": {"value": 4}}
    return {
        **figure(sentence, 32, [{"mark": text, "encoding": encoding}]),
        "usermeta": {"nothing": sentence},
        "data": {"values": [{"sentence": sentence}]},
    }


def note(text: str) -> Spec:
    """Note below a figure on what it does not show."""
    return {"usermeta": {"note": text}}


def colours(domain: list[str], range_: list[str]) -> Spec:
    """A colour scale that lists every value it will meet, each with a colour of its own.

    Raises ValueError for an empty one, which makes Vega's legend endless, and for one of more values than colours.
    """
    if not 0 < len(domain) <= len(range_):
        raise ValueError(f"{len(domain)} values need as many colours and one at least; there are {len(range_)}")
    return {"domain": domain, "range": range_[: len(domain)]}


def money_unit(largest_kusd: float) -> tuple[float, str]:
    """kUSD in the unit of an axis that reaches so far, and that unit's name."""
    return (1e6, "billion USD") if abs(largest_kusd) >= 1e6 else (1e3, "million USD")
