"""Tasks of a process that checks requests, and what becomes of them."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lodeplan.schemas import InvalidInput
from lodeplan.service.checking.limits import MEMORY_MB, TookTooLong, holds_too_much, processor_limit
from lodeplan.service.http.errors import ApiError, shortened, too_dear


@dataclass(frozen=True)
class Task:
    """A function of `checks`, its arguments, and the processor time it may take, seconds."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    limit_s: float


@dataclass(frozen=True)
class Done:
    """Outcome of a task: what its function returned or raised, and the processor time it took, seconds."""

    result: Any = None
    refusal: ApiError | InvalidInput | None = None
    trace: str = ""
    """Of any other error."""
    processor_s: float = 0.0
    is_last: bool = False
    """Whether the process ends after this, because it holds much memory."""


def do(task: Task) -> Done:
    """Do a task within its limit."""
    begun = time.process_time()
    result, trace = None, ""
    refusal: ApiError | InvalidInput | None = None
    try:
        with processor_limit(task.limit_s):
            result = task.function(*task.arguments)
    except ApiError as error:
        refusal = shortened(error)
    except InvalidInput as error:
        refusal = error
    except TookTooLong:
        refusal = too_dear(f"takes more than {time.process_time() - begun:.0f} s of processor time")
    except MemoryError:
        refusal = too_dear(f"takes more than {MEMORY_MB:,} MB of memory")
    except Exception:
        trace = traceback.format_exc()
    return Done(result, refusal, trace, time.process_time() - begun, holds_too_much())
