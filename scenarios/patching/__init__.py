"""Changes to the raw data of a scenario, each at the places that a path means."""
