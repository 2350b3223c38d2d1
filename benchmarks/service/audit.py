"""What became of the jobs of a campaign, by their rows and their events."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy
from sqlmodel import col, select

from lodeplan.schemas.jobs import FailureCode, JobState
from lodeplan.service.jobs.reruns import MAX_LOST_WORKERS
from lodeplan.service.jobs.states import SOURCES
from lodeplan.service.storage import Job, JobEvent, JobResult, open_session


@dataclass
class Verdict:
    """Ids of jobs by what is wrong with them; a sentence for each job whose events are out of order."""

    jobs: int = 0
    states: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    stranded: list[str] = field(default_factory=list)
    disorder: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.doubled or self.stranded or self.disorder)

    def __str__(self) -> str:
        counts = f"{len(self.lost)} lost, {len(self.doubled)} doubled, {len(self.stranded)} stranded, "
        ended = ", ".join(f"{count} {state}" for state, count in sorted(self.states.items()))
        wrong = [*self.lost, *self.doubled, *self.stranded, *self.disorder]
        return "\n  ".join([f"{self.jobs} jobs ({ended}): {counts}{len(self.disorder)} out of order", *wrong])


def audit(database: sqlalchemy.Engine, job_ids: Sequence[str]) -> Verdict:
    """Judge these jobs, of which nobody asked for a stop or a cancel, after all of them should have ended."""
    verdict = Verdict(len(job_ids))
    for job_id in job_ids:
        with open_session(database) as session:
            job = session.get(Job, job_id)
            query = select(JobEvent).where(JobEvent.job_id == job_id).order_by(col(JobEvent.number))
            events = list(session.exec(query))
            has_result = session.get(JobResult, job_id) is not None
        if job is None:
            verdict.lost.append(job_id)
            continue
        verdict.states[job.state] += 1
        if not job.state.ended:
            verdict.stranded.append(job_id)
        elif not _ended_rightly(job, has_result):
            verdict.lost.append(job_id)
        if is_doubled(events):
            verdict.doubled.append(job_id)
        verdict.disorder += [f"{job_id}: {fault}" for fault in disorder_of(job, events)]
    return verdict


def _ended_rightly(job: Job, has_result: bool) -> bool:
    if job.failure and job.failure.code is FailureCode.LOST_WORKERS:
        return job.lost_workers == MAX_LOST_WORKERS
    return job.state is JobState.SUCCEEDED and has_result


def is_doubled(events: Sequence[JobEvent]) -> bool:
    """Whether a job with these events ended, or began an attempt, more than once."""
    ends = [event for event in events if event.state and event.state.ended]
    starts = Counter(event.attempt for event in events if event.state is JobState.RUNNING)
    return len(ends) > 1 or any(count > 1 for count in starts.values())


def disorder_of(job: Job, events: Sequence[JobEvent]) -> list[str]:
    """What no history of a job can have."""
    faults: list[str] = []
    if [event.number for event in events] != list(range(1, job.last_event + 1)):
        faults.append("its events are not numbered without gaps")
    moves = [event for event in events if event.state]
    if not moves or moves[0].state is not JobState.QUEUED:
        faults.append("it does not begin in the queue")
    for before, after in itertools.pairwise(moves):
        step = after.attempt - before.attempt
        if before.state not in SOURCES[after.state] or step != (after.state is JobState.QUEUED):
            faults.append(f"{before.state} on attempt {before.attempt}, then {after.state} on {after.attempt}")
    if any(after.attempt < before.attempt for before, after in itertools.pairwise(events)):
        faults.append("its attempts go back")
    if moves and moves[-1].state is not job.state:
        faults.append("its last event is not its state")
    return faults
