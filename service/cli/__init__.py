"""The command `lodeplan`. What is slow to import is imported inside the command that needs it."""

from lodeplan.service.cli.app import main

__all__ = ["main"]
