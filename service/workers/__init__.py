"""Workers: the processes that solve, their children, their leases and their upkeep tasks."""
