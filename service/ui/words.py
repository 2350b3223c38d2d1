"""Names of states, codes and kinds on pages."""

from __future__ import annotations

from lodeplan.schemas.jobs import FailureCode, JobState

STATES: dict[JobState, str] = {
    JobState.QUEUED: "Waiting for a worker",
    JobState.RUNNING: "Solving",
    JobState.STOPPING: "Stopping, keeping the best plan so far",
    JobState.CANCELLING: "Cancelling",
    JobState.SUCCEEDED: "Done",
    JobState.FAILED: "Failed",
    JobState.CANCELLED: "Cancelled",
    JobState.TIMED_OUT: "Out of time, no plan",
}

REMEDIES: dict[FailureCode, str] = {
    FailureCode.INVALID_INPUT: "Correct the scenario where the message says so, and submit it again.",
    FailureCode.SCENARIO_NO_LONGER_VALID: "Correct the scenario where it is named here, and submit it again.",
    FailureCode.OUT_OF_MEMORY: "Use fewer periods, futures or cost steps, or a machine with more memory.",
    FailureCode.KILLED: "Use fewer periods, futures or cost steps, or a machine with more memory.",
    FailureCode.CRASHED: "Submit it again. If it fails again, keep its log and report it.",
    FailureCode.SOLVER_ERROR: "Look for numbers of very different size in the scenario, and submit it again.",
    FailureCode.CHECK_FAILED: "Keep the log and report it with the scenario: the answer of the solver broke a rule, "
    "and was thrown away.",
    FailureCode.LOST_WORKERS: "Use fewer periods, futures or cost steps, or machines with more memory. If the workers "
    "were ended on purpose, submit it again.",
    FailureCode.MACHINE_TROUBLE: "Ask those who run the service to look at its workers, then submit it again.",
    FailureCode.QUOTA_REACHED: "Delete jobs that you no longer need, or wait until tomorrow, then submit it again.",
    FailureCode.INTERNAL_ERROR: "Keep the log and report it: this is a fault of Lodeplan, not of the scenario.",
}
