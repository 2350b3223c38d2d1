"""Programs that write shipped data and generated pages, each run as `python -m tools.NAME`; no part of the package."""
