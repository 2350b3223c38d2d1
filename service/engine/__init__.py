"""The job engine, behind a port: it brings queued attempts to workers."""

from lodeplan.service.engine.port import Attempt, Handler, JobEngine, QueuePosition

__all__ = ["Attempt", "Handler", "JobEngine", "QueuePosition"]
