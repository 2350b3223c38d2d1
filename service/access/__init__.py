"""Who may do what: callers, keys, tokens of an identity provider, quotas, rates, and the log of it all."""

from lodeplan.service.access.callers import CALLER, LOCAL_CALLER, Caller

__all__ = ["CALLER", "LOCAL_CALLER", "Caller"]
