"""Makes the supply and demand tables of `us-2026` and `us-base-2024` from the facts beside it.

`python -m lodeplan.scenarios.us_2026.build` writes them; running it again changes nothing.
"""
