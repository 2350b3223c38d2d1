"""Scenario to plan: no HTTP, no database, no global state."""
