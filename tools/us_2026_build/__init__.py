"""Makes the supply and demand tables of `us-2026` and `us-base-2024` from the facts in `facts/`.

`python -m tools.us_2026_build` writes them to `scenarios/`; running it again changes nothing.
"""
