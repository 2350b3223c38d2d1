"""Many processes with many threads, run by one thread: a seed says who goes on next, and time is a number.

An actor stands for a thread. It is a greenlet that goes on until it pauses or waits; the hub then takes the actor whose
moment is next. Nothing else runs meanwhile, so the same seed gives the same run, to the event.
"""

import heapq
import itertools
import queue
import random
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from greenlet import GreenletExit, getcurrent, greenlet

EPOCH_S = 1_800_000_000.0
"""Wall time at the beginning of a run, seconds since 1970."""


@dataclass
class Process:
    """A process that may die, freeze, or have a wall clock that is wrong."""

    name: str
    boot_s: float = 0.0
    """What its monotonic clock shows at the beginning of the run."""
    version: str = "1"
    skew_s: float = 0.0
    is_dead: bool = False
    frozen_until: float = 0.0
    silent_until: float = 0.0
    """Until when the database says nothing to it."""
    cut_until: float = 0.0
    """Until when its connections to the database break."""
    dies_in: int = -1
    """Statements and commits until it dies; none if negative."""
    freezes_in: int = -1
    freezes_for_s: float = 0.0
    loses_replies: int = 0
    """Commits that succeed without its learning of it."""


class Actor(greenlet):
    """A thread of a process."""

    def __init__(self, hub: greenlet, process: Process, name: str, act: Callable[[], Any]) -> None:
        super().__init__(act, hub)
        self.process, self.name = process, f"{process.name}/{name}"
        self.ticket = 0
        """Number of its latest pause: what was to end an earlier one is void."""
        self.ended = Signal()


class Signal:
    """Something that actors wait for."""

    def __init__(self) -> None:
        self.waiting: list[Actor] = []


class ThreadDied(Exception):
    """An actor ended with an error that nobody caught, as a thread of the service would."""


@dataclass
class Simulator:
    """The hub, the agenda and the clock."""

    seed: str
    now: float = 0.0
    database_skew_s: float = 0.0
    trace: list[str] = field(default_factory=list)
    digest: int = 0
    """Of all that happened, statements included."""
    current: Actor | None = None
    is_closing: bool = False

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self._hub = getcurrent()
        self._agenda: list[tuple[float, float, int, Actor, int]] = []
        self._order = itertools.count()
        self._actors: list[Actor] = []

    def spawn(self, process: Process, name: str, act: Callable[[], Any]) -> Actor:
        """Begin a thread of a process."""
        actor = Actor(self._hub, process, name, lambda: self._run_actor(actor, act))
        self._actors.append(actor)
        self._schedule(actor, self.now)
        return actor

    def run(self, until: float, is_done: Callable[[], bool] = lambda: False) -> None:
        """Go on until a moment, or until that is true; it is asked after every step of the agenda."""
        while self._agenda and not is_done():
            at, _, _, actor, ticket = self._agenda[0]
            if at > until:
                break
            heapq.heappop(self._agenda)
            if ticket != actor.ticket or actor.process.is_dead or actor.dead:
                continue
            if actor.process.frozen_until > at:
                self._schedule(actor, actor.process.frozen_until)
                continue
            self.now = max(self.now, at)
            self.current = actor
            actor.switch()
            self.current = None
        else:
            return
        self.now = max(self.now, until)

    def pause(self, seconds: float) -> None:
        """Let the others go on for that time."""
        actor = self.actor()
        self._schedule(actor, self.now + max(0.0, seconds))
        self._leave()

    def wait(self, signal: Signal, timeout_s: float | None) -> None:
        """Let the others go on until somebody tells of the signal, or the time has passed."""
        actor = self.actor()
        signal.waiting.append(actor)
        actor.ticket += 1
        if timeout_s is not None:
            self._schedule(actor, self.now + max(0.0, timeout_s))
        self._leave()
        if actor in signal.waiting:
            signal.waiting.remove(actor)

    def tell(self, signal: Signal) -> None:
        """Wake those who wait for it."""
        for actor in signal.waiting:
            self._schedule(actor, self.now)
        signal.waiting.clear()

    def die(self) -> None:
        """End the process of the current actor, with no chance to say a word."""
        self.kill(self.actor().process)
        self._leave()

    def kill(self, process: Process) -> None:
        """End a process, as kill -9 does."""
        process.is_dead = True
        self.note(f"{process.name} is dead")
        for actor in self._actors:
            if actor.process is process:
                self.tell(actor.ended)

    def actor(self) -> Actor:
        """The current actor."""
        if self.is_closing or self.current is None:
            raise GreenletExit
        return self.current

    def close(self) -> None:
        """Unwind all actors."""
        self.is_closing = True
        for actor in self._actors:
            if not actor.dead:
                try:
                    actor.throw(GreenletExit)
                except Exception:
                    # What it says on its way out is nobody's concern any more.
                    continue

    def note(self, text: str) -> None:
        """Add a line to the trace."""
        self.trace.append(f"{self.now:10.3f} {self.current.name if self.current else 'fate'}: {text}")
        self.mark(self.trace[-1])

    def mark(self, text: str) -> None:
        """Have the digest depend on a text."""
        self.digest = zlib.crc32(text.encode(), self.digest)

    def monotonic(self) -> float:
        """The monotonic clock of the current process."""
        return self.now + (self.current.process.boot_s if self.current else 0.0)

    def wall_s(self) -> float:
        """The wall clock of the current process."""
        return EPOCH_S + self.now + (self.current.process.skew_s if self.current else 0.0)

    def database_s(self) -> float:
        """The clock of the database."""
        return EPOCH_S + self.now + self.database_skew_s

    def _schedule(self, actor: Actor, at: float) -> None:
        actor.ticket += 1
        # Those whose moment is the same go on in any order.
        heapq.heappush(self._agenda, (at, self.chance.random(), next(self._order), actor, actor.ticket))

    def _leave(self) -> None:
        self._hub.switch()
        if self.is_closing:
            raise GreenletExit

    def _run_actor(self, actor: Actor, act: Callable[[], Any]) -> None:
        try:
            act()
        except Exception as error:
            if not self.is_closing:
                raise ThreadDied(f"{actor.name}: {type(error).__name__}: {error}") from error
        if not self.is_closing:
            self.tell(actor.ended)


class Event:
    """`threading.Event`."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator, self._signal, self._is_set = simulator, Signal(), False

    def is_set(self) -> bool:
        """Whether somebody has set it."""
        return self._is_set

    def set(self) -> None:
        """Set it, and wake those who wait."""
        self._is_set = True
        self._simulator.tell(self._signal)

    def clear(self) -> None:
        """Take it back."""
        self._is_set = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set."""
        if not self._is_set:
            self._simulator.wait(self._signal, timeout)
        return self._is_set


class Thread:
    """`threading.Thread`."""

    def __init__(
        self,
        simulator: Simulator,
        target: Callable[..., Any],
        args: Any = (),
        name: str = "thread",
        daemon: bool = True,
    ) -> None:
        self._simulator, self._act, self._name = simulator, lambda: target(*args), name
        self._actor: Actor | None = None

    def start(self) -> None:
        """Begin, as a thread of the process that runs now."""
        self._actor = self._simulator.spawn(self._simulator.actor().process, self._name, self._act)

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end."""
        if self.is_alive() and self._actor:
            self._simulator.wait(self._actor.ended, timeout)

    def is_alive(self) -> bool:
        """Whether it has begun and not ended."""
        return self._actor is not None and not self._actor.dead


class Timer(Thread):
    """`threading.Timer`."""

    def __init__(self, simulator: Simulator, interval: float, function: Callable[[], Any]) -> None:
        super().__init__(simulator, lambda: None, name="timer")
        self._cancelled = Event(simulator)
        self._act = lambda: self._cancelled.wait(interval) or function()

    def cancel(self) -> None:
        """Have it do nothing."""
        self._cancelled.set()


class Queue:
    """`queue.SimpleQueue`."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator, self._items, self._filled = simulator, list[Any](), Signal()

    def put(self, item: Any) -> None:
        """Add at the end."""
        self._items.append(item)
        self._simulator.tell(self._filled)

    def get(self, timeout: float | None = None) -> Any:
        """Take from the beginning, which may have to come first."""
        while not self._items:
            self._simulator.wait(self._filled, timeout)
            if not self._items and timeout is not None:
                raise queue.Empty
        return self._items.pop(0)

    def empty(self) -> bool:
        """Whether there is nothing to take."""
        return not self._items


@dataclass(frozen=True)
class Modules:
    """What stands for the modules of Python that ask for time, threads and chance."""

    simulator: Simulator

    @property
    def threading(self) -> Any:
        """`threading`."""
        kinds = {kind.__name__: _of(kind, self.simulator) for kind in (Event, Thread, Timer)}
        # Held for a few steps in memory, between which nobody else goes on.
        return SimpleNamespace(**kinds, Lock=threading.Lock)

    @property
    def time(self) -> Any:
        """`time`."""
        simulator = self.simulator
        return SimpleNamespace(
            monotonic=simulator.monotonic,
            sleep=simulator.pause,
            time=simulator.wall_s,
            time_ns=lambda: int(simulator.wall_s() * 1e9),
        )

    @property
    def datetime(self) -> Any:
        """The class `datetime.datetime`, as far as it knows the time."""
        return SimpleNamespace(now=lambda zone: datetime.fromtimestamp(self.simulator.wall_s(), UTC))

    @property
    def secrets(self) -> Any:
        """`secrets`."""
        chance = self.simulator.chance
        return SimpleNamespace(
            token_hex=lambda count: f"{chance.getrandbits(8 * count):0{2 * count}x}", randbits=chance.getrandbits
        )


def _of(kind: Any, simulator: Simulator) -> Callable[..., Any]:
    return lambda *arguments, **named: kind(simulator, *arguments, **named)
