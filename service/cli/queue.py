"""`lodeplan queue`, `lodeplan dead-letters` and `lodeplan schedules`: the commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from lodeplan.service.cli.exits import Exit

queue = typer.Typer(
    help="Show, pause, drain and resume the queue of all tenants, in the database of LODEPLAN_DATABASE_URL.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
dead_letters = typer.Typer(
    help="List jobs that failed for their machines, and send them again.", no_args_is_help=True, rich_markup_mode=None
)
schedules = typer.Typer(
    help="List, pause, resume and delete schedules of any tenant. They are created over HTTP.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

ScheduleId = Annotated[str, typer.Argument(metavar="ID", help="Id of a schedule, as `lodeplan schedules list` shows.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print only one JSON object on standard output.")]
Reason = Annotated[str, typer.Option(help="Reason, for the other operators and the audit log.")]


@queue.command()
def show(as_json: AsJson = False) -> None:
    """Show whether the queue is paused, how many jobs wait and run, and the live workers."""
    from lodeplan.service.cli import operating

    operating.print_queue(operating.queue_now(), as_json)


@queue.command()
def pause(reason: Reason = "", as_json: AsJson = False) -> None:
    """Let no worker begin another job. Running jobs go on, and requests are still taken."""
    from lodeplan.service.cli import operating

    operating.print_queue(operating.pause(reason), as_json)


@queue.command()
def drain(
    reason: Reason = "",
    timeout: Annotated[float, typer.Option(metavar="S", min=0, help="Longest wait, seconds; 0: no limit.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Pause the queue and wait until no job runs. Exit code 1 if some still run when the time is over."""
    from lodeplan.service.cli import operating

    found = operating.drain(reason, timeout)
    operating.print_queue(found, as_json)
    raise typer.Exit(Exit.OPTIMAL if found.drained else Exit.ERROR)


@queue.command()
def resume(as_json: AsJson = False) -> None:
    """Let workers begin jobs again."""
    from lodeplan.service.cli import operating

    operating.print_queue(operating.resume(), as_json)


@dead_letters.command("list")
def list_letters(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of jobs.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List jobs that failed for their machines and were not sent again, the latest first."""
    from lodeplan.service.cli import operating

    operating.print_dead_letters(tenant, limit, as_json)


@dead_letters.command()
def resend(
    job_ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Ids of the jobs.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Send all of them again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send jobs again, as new jobs of their tenants."""
    from lodeplan.service.cli import operating

    operating.resend(job_ids or [], everything, as_json)


@schedules.command("list")
def list_schedules(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant.")] = None, as_json: AsJson = False
) -> None:
    """List schedules with their next times, and why the last came to no job."""
    from lodeplan.service.cli import operating

    operating.print_schedules(tenant, as_json)


@schedules.command("pause")
def pause_schedule(schedule_id: ScheduleId) -> None:
    """Submit nothing until the schedule is resumed."""
    from lodeplan.service.cli import operating

    operating.change_schedule(schedule_id, "pause")


@schedules.command("resume")
def resume_schedule(schedule_id: ScheduleId) -> None:
    """Go on with the next time. Times that passed meanwhile are not made up for."""
    from lodeplan.service.cli import operating

    operating.change_schedule(schedule_id, "resume")


@schedules.command("delete")
def delete_schedule(schedule_id: ScheduleId) -> None:
    """Delete a schedule. Its jobs stay."""
    from lodeplan.service.cli import operating

    operating.change_schedule(schedule_id, "delete")
