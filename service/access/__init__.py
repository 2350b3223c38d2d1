"""Access control: callers, keys, tokens of an identity provider, quotas, rate limits and the audit log."""

from lodeplan.service.access.callers import CALLER, LOCAL_CALLER, Caller

__all__ = ["CALLER", "LOCAL_CALLER", "Caller"]
