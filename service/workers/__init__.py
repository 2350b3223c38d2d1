"""The processes that solve: the worker, its child, its lease, and the upkeep it does beside."""
