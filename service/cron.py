"""Times of cron expressions, read on the clock of a time zone. The only module that imports croniter."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from croniter import CroniterError, croniter

NICKNAMES = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
ALLOWED = (
    "five fields: minute, hour, day of the month, month, day of the week, such as `30 2 * * *` for half past two each "
    f"night; or {', '.join(NICKNAMES)}"
)
_LONGEST = 100
_BY_CHANCE = re.compile(r"(?:^|[ ,])[rh](?:\(|/|[ ,]|$)")
"""Signs that stand for a time that croniter picks."""
_STEP = re.compile(r"/(\d+)")
_LARGEST_STEPS = (59, 23, 31, 12, 7)
_AROUND = timedelta(hours=3)
"""A time that the clock shows twice, or skips, is at most so far from where one would look for it."""


class BadCron(ValueError):
    """An expression or a zone that means no times, with the reason in a sentence."""


def next_time(cron: str, zone: str, after: datetime) -> datetime:
    """The next time of an expression after a moment, in UTC. Of an hour that the clock of the zone shows twice, the
    first counts; a time that it skips is as much later as the clock was put forward. Raises `BadCron`.
    """
    check_cron(cron)
    check_zone(zone)
    place = UTC if zone == "UTC" else ZoneInfo(zone)
    local = after.astimezone(place).replace(tzinfo=None)
    try:
        times = croniter(cron.lower(), local - _AROUND)
        while True:
            wall: datetime = times.get_next(datetime)
            moment = wall.replace(tzinfo=place).astimezone(UTC)
            if moment > after:
                return moment
    except CroniterError:
        raise BadCron("No day of any year is one of these times.") from None


def check_cron(cron: str) -> None:
    """Raise `BadCron` for text that is no expression of five fields."""
    written = cron.lower().strip()
    if len(cron) > _LONGEST:
        raise BadCron(f"The expression has more than {_LONGEST} signs.")
    if written in NICKNAMES:
        return
    if len(written.split()) != 5:
        raise BadCron(f"The expression has {len(written.split())} fields and not five.")
    for field, most in zip(written.split(), _LARGEST_STEPS, strict=True):
        if any(int(step) > most for step in _STEP.findall(field)):
            raise BadCron(f"A step in {field} is larger than {most}.")
    if _BY_CHANCE.search(written):
        raise BadCron("The expression leaves a time to chance.")
    try:
        croniter.expand(written)
    except CroniterError as error:
        raise BadCron(f"The expression means no times: {str(error).partition('] ')[2] or error}.") from None


def check_zone(zone: str) -> None:
    """Raise `BadCron` for a time zone that is not known."""
    if zone not in zones():
        raise BadCron("No time zone has this name.")


@cache
def zones() -> frozenset[str]:
    """The names of the time zones that the system knows, and UTC, which needs no knowledge."""
    return frozenset({"UTC", *available_timezones()})
