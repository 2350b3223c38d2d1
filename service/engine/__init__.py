"""What brings queued attempts to workers, behind a port."""

from service.engine.port import Attempt, Handler, JobEngine

__all__ = ["Attempt", "Handler", "JobEngine"]
