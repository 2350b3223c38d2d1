"""Hosts that get webhook messages, and may hang, refuse or be gone."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from benchmarks.service.simulation.scheduler import Simulator
from lodeplan.service.webhooks import sending
from lodeplan.service.webhooks.lookups import NoThread

MANNERS = ("good", "hangs", "fails", "gone")


@dataclass
class Receivers:
    """All hosts; what they got, by id of the message."""

    simulator: Simulator
    manners: dict[str, str] = field(default_factory=dict)
    got: Counter[str] = field(default_factory=Counter)
    """Messages that were answered 2xx."""
    said: dict[str, set[str]] = field(default_factory=dict)
    """States that each message told."""
    refused: set[str] = field(default_factory=set)
    """Messages that were answered 410."""

    async def send(self, _client: Any, message: Any, url: Any, _address: str) -> Any:
        """Have the host answer."""
        manner = self.manners.get(url.host, "good")
        await asyncio.sleep(self.simulator.chance.expovariate(1 / 0.1))
        body = json.loads(message.body)
        self.said.setdefault(message.delivery_id, set()).add(f"{body['type']} {body['data']['state']}")
        self.simulator.note(f"{url.host} ({manner}) gets {body['type']} of {body['data']['id'][-4:]}")
        if manner == "hangs":
            await asyncio.sleep(sending.TRY_TAKES_AT_MOST_S)
            return sending._Answer(error="No answer.", timed_out=True)
        if manner == "fails":
            return sending._Answer(status=503)
        if manner == "gone":
            self.refused.add(message.delivery_id)
            return sending._Answer(status=410)
        self.got[message.delivery_id] += 1
        return sending._Answer(status=204)


@dataclass
class LookUps:
    """Names that are found, mostly."""

    simulator: Simulator

    async def addresses(self, _tenant: str, _host: str, _port: int) -> list[str]:
        """Find a public address."""
        if self.simulator.chance.random() < 0.02:
            raise NoThread
        return ["93.184.215.14"]
