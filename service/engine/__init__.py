"""What brings queued attempts to workers, behind a port."""

from service.engine.port import Attempt, Handler, JobEngine, Place

__all__ = ["Attempt", "Handler", "JobEngine", "Place"]
