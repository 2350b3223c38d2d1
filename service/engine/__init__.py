"""What brings queued attempts to workers, behind a port."""

from lodeplan.service.engine.port import Attempt, Handler, JobEngine, Place

__all__ = ["Attempt", "Handler", "JobEngine", "Place"]
