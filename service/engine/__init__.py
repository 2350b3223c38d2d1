"""What brings queued attempts to workers, behind a port."""

from lodeplan.service.engine.port import Attempt, Handler, JobEngine, QueuePosition

__all__ = ["Attempt", "Handler", "JobEngine", "QueuePosition"]
