"""What all figures share: the frame of a Vega-Lite specification, and colours that say the same everywhere."""

from __future__ import annotations

from typing import Any

Spec = dict[str, Any]
"""A Vega-Lite specification: plain data, ready for JSON."""

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"

BLUE, GREEN, OCHRE, RED = "#2f74b5", "#2e8b57", "#b7791f", "#c53030"
TEAL, VIOLET, GREY = "#1f8a8a", "#7a5bb0", "#7a828c"
"""Readable on white and on near-black; red is kept for what goes wrong."""

SERIES = [BLUE, OCHRE, GREEN, VIOLET, TEAL, RED, GREY, "#a8527a", "#6b8e23", "#4a5fc1"]
"""Colours of series without a meaning of their own, in order."""


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


def colours(domain: list[str], range_: list[str]) -> Spec:
    """A colour scale that lists every value it will meet."""
    return {"domain": domain, "range": [range_[i % len(range_)] for i in range(len(domain))]}


def money_unit(largest_kusd: float) -> tuple[float, str]:
    """kUSD in the unit of an axis that reaches so far, and that unit's name."""
    return (1e6, "billion USD") if abs(largest_kusd) >= 1e6 else (1e3, "million USD")
