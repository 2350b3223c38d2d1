"""The commands and their options."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from lodeplan.service.cli import keys, queue
from lodeplan.service.cli.exits import Exit, exit_of, explain, replace_closed_streams
from lodeplan.service.cli.guardian import run_guarded

if TYPE_CHECKING:
    from lodeplan.schemas import Patch

app = typer.Typer(
    name="lodeplan",
    help="Plans the supply of critical minerals. SCENARIO is a file, a folder, or the name of a shipped scenario.",
    epilog="Exit codes: 0 optimal within the gap, 2 bad input, 3 infeasible, 4 stopped at a limit with a plan, 5 "
    "stopped before a plan was found, 1 anything else, such as an unbounded cost.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(keys.app, name="keys", short_help="Create, list, revoke and rotate API keys.")
app.add_typer(queue.queue, name="queue", short_help="Show, pause, drain and resume the queue.")
app.add_typer(queue.schedules, name="schedules", short_help="List, pause, resume and delete schedules.")
app.add_typer(
    queue.dead_letters, name="dead-letters", short_help="List jobs that failed for their machines; send them again."
)

_GUARDED = (["solve"], ["compare"])
"""Commands whose solver may crash, or be killed for the memory that it takes."""

Source = Annotated[str, typer.Argument(metavar="SCENARIO", help="File, folder or shipped name.")]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Change a value in the scenario, such as economics.discount_rate=0.07. Repeatable.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print only one JSON object on standard output.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.")]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command line, that of the program by default, and end with its exit code.

    The program has a guardian while it solves; a command line that is given here is run by this process alone.
    """
    if arguments is None:
        replace_closed_streams()
    if arguments is None and sys.argv[1:2] in _GUARDED:
        sys.exit(run_guarded(lambda: _run(sys.argv[1:])))
    _run(sys.argv[1:] if arguments is None else list(arguments))


def _run(arguments: list[str]) -> NoReturn:
    """Run a command line in this process, and end with its exit code."""
    try:
        app(args=arguments)
    except Exception as error:  # Whatever it is, a person at a terminal is owed a sentence and no stack trace.
        sys.exit(explain(error))
    sys.exit(Exit.OPTIMAL)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"lodeplan {version('lodeplan')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the program itself."""


@app.command(short_help="Solve a shipped scenario and show the plan in a browser.")
def demo(
    port: Port = 8000,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
) -> None:
    """Solve the shipped scenario us-2026-lite, show the plan in a browser and print its URL. Ctrl-C ends it."""
    from lodeplan.service.cli.demo import run_demo

    run_demo(port, open_page)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[bool, typer.Option("--workers/--no-workers", help="Solve jobs in this process as well.")] = True,
) -> None:
    """Serve the pages and the API, and print their URL."""
    from lodeplan.service.app import serve as serve_until_stopped

    serve_until_stopped(host, port, workers, announce=lambda url: print(url, flush=True))


@app.command()
def worker() -> None:
    """Solve queued jobs. Any number of workers may share one database."""
    from lodeplan.service.workers.worker import run

    run()


@app.command(short_help="Bring the database tables up to date, or back.")
def migrate(
    to: Annotated[
        str, typer.Option(metavar="VERSION", help="Go back to the tables of this earlier release, such as 0.1.0.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="With --to: drop what earlier tables cannot hold.")] = False,
) -> None:
    """Bring the database tables up to date and list the migrations applied. With --to, name what an earlier version
    would lose, and go back to it if --yes is given."""
    from lodeplan.service.cli.upkeep import migrate_tables, take_tables_back

    if to:
        take_tables_back(to, yes)
    else:
        migrate_tables()


@app.command(short_help="Back up all jobs and results to one file.")
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to create; only its owner can read it.")],
) -> None:
    """Back up all jobs and results to one file while the service runs."""
    from lodeplan.service.cli.upkeep import write_backup

    write_backup(file)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File written by lodeplan backup.")],
    replace: Annotated[bool, typer.Option("--replace", help="Discard the current contents of the database.")] = False,
) -> None:
    """Restore a backup into the database, SQLite or PostgreSQL. Unfinished jobs are queued again."""
    from lodeplan.service.cli.upkeep import restore_backup

    restore_backup(file, replace)


@app.command(short_help="Check this machine, and say how to fix problems.")
def doctor(as_json: AsJson = False) -> None:
    """Check this machine, the solver, the database and the workers, and say how to fix problems. The exit code is 1 if
    a check fails."""
    from lodeplan.service.cli.upkeep import examined, print_report

    report = examined()
    if as_json:
        print(report.model_dump_json(indent=1, exclude_none=True))
    else:
        print_report(report)
    raise typer.Exit(Exit.OPTIMAL if report.healthy else Exit.ERROR)


@app.command("audit")
def show_audit(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of entries.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the audit log: who did what, latest first."""
    from lodeplan.service.cli.access import audit_page

    page = audit_page(tenant, limit)
    if as_json:
        print(page.model_dump_json(indent=1))
        return
    for entry in page.entries:
        words = f"{entry.at:%Y-%m-%dT%H:%M:%SZ}  {entry.actor:<20} {entry.action:<16} {entry.target} {entry.detail}"
        print(words.rstrip())


# A command has a parameter for each of its options.
@app.command()
def solve(
    scenario: Source,
    sets: Sets = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write plan.json, report.md and a CSV for each table here.")
    ] = None,
    time_limit: Annotated[float | None, typer.Option(metavar="S", help="Time limit of the solver, seconds.")] = None,
    gap: Annotated[float | None, typer.Option(metavar="G", help="Relative gap at which to stop (a fraction).")] = None,
    bom: Annotated[bool, typer.Option("--bom", help="Begin each CSV file with a byte order mark, for Excel.")] = False,
    certificate: Annotated[
        bool, typer.Option("--certificate", help="Write certificate.gz too, which `lodeplan verify DIR` reads.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Solve a scenario and print the plan. Ctrl-C stops the solver and keeps the best plan found so far."""
    from lodeplan.service.cli.solving import Limits, begin

    if certificate and out is None:
        raise _certificate_without_folder()
    if out is not None:
        # A folder that cannot be made should be known before the solve, not after.
        out.mkdir(parents=True, exist_ok=True)
    solve = begin(scenario, _patches(sets), Limits(gap, time_limit))
    plan = solve.plan()
    if out is not None:
        from lodeplan.service.cli.files import CERTIFICATE, write_plan

        write_plan(plan, out, bom=bom)
        if certificate:
            solve.certify(out / CERTIFICATE)
    if as_json:
        print(plan.summary.model_dump_json(indent=1))
    else:
        from lodeplan.service.cli.report import print_plan

        print_plan(plan)
    raise typer.Exit(exit_of(plan.summary))


@app.command(short_help="Verify a plan and its bound in exact arithmetic.")
def verify(
    plan: Annotated[
        Path,
        typer.Argument(metavar="PLAN", help="Folder that `solve --out DIR --certificate` wrote, or a certificate."),
    ],
    as_json: AsJson = False,
) -> None:
    """Verify in exact arithmetic that a plan keeps its model, what it costs, and that no plan costs much less.

    Exit code 0 if all that the certificate claims follows from it, 1 if something does not.
    """
    from lodeplan.service.cli.verifying import print_verdict, verdict_of

    verdict = verdict_of(plan)
    if as_json:
        print(json.dumps(verdict, indent=1))
    else:
        print_verdict(verdict)
    raise typer.Exit(Exit.OPTIMAL if verdict["verified"] else Exit.ERROR)


@app.command(short_help="List all errors and warnings in a scenario.")
def validate(scenario: Source, sets: Sets = None, as_json: AsJson = False) -> None:
    """List all errors and warnings in a scenario, and count its entries."""
    from lodeplan.service.cli.validation import print_validation, validation_of

    found = validation_of(scenario, sets or [])
    if as_json:
        print(found.model_dump_json(indent=1))
    else:
        print_validation(found)
    raise typer.Exit(Exit.OPTIMAL if found.valid else Exit.BAD_INPUT)


# A command has a parameter for each of its options.
@app.command(short_help="Solve two scenarios and explain the differences.")
def compare(
    scenario: Source,
    other: Annotated[
        str | None,
        typer.Argument(
            metavar="[OTHER]",
            help="Second scenario, changed by --set; if left out, the first one, which --set must change.",
        ),
    ] = None,
    sets: Sets = None,
    time_limit: Annotated[float | None, typer.Option(metavar="S", help="Time limit of each solve, seconds.")] = None,
    gap: Annotated[float | None, typer.Option(metavar="G", help="Relative gap at which to stop (a fraction).")] = None,
    as_json: AsJson = False,
) -> None:
    """Solve two scenarios, or one with and without the changes in --set, and explain the differences.

    The first is solved as it is; --set changes the second.
    """
    from lodeplan.service.cli.comparing import compare_plans
    from lodeplan.service.cli.solving import Limits

    raise typer.Exit(compare_plans((scenario, other), _patches(sets), Limits(gap, time_limit), as_json))


# A command has a parameter for each of its options.
@app.command(short_help="Explain the duty on an import on one day.")
def duty(
    commodity: Annotated[str, typer.Option(metavar="NAME", help="Commodity, such as gallium/metal.")],
    origin: Annotated[str, typer.Option("--from", metavar="PLACE", help="Country of origin, such as CHN.")],
    day: Annotated[str, typer.Option("--on", metavar="DAY", help="Any day, such as 2026-11-24.")],
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="File, folder or shipped name.")] = "us-2026",
    destination: Annotated[
        str | None, typer.Option("--to", metavar="PLACE", help="Destination; home if left out.")
    ] = None,
    events: Annotated[
        list[str] | None, typer.Option("--with", metavar="EVENT", help="Tariff event to assume. Repeatable.")
    ] = None,
    value: Annotated[
        float | None, typer.Option(metavar="KUSD_PER_T", help="Customs value, kUSD per t contained.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Explain the duty on an import on one day, measure by measure, with sources."""
    from lodeplan.optimizer.studies.duty import Question
    from lodeplan.service.cli.duty_options import answer

    found = answer(scenario, Question(commodity, origin, day, destination, events or [], value))
    if as_json:
        print(found.model_dump_json(indent=1))
    else:
        from lodeplan.service.cli.duty_report import print_answer

        print_answer(found)


@app.command("scenarios")
def list_scenarios(as_json: AsJson = False) -> None:
    """List the shipped scenarios."""
    from lodeplan.scenarios import names

    shipped = names()
    if as_json:
        print(json.dumps([{"name": item.name, "title": item.title} for item in shipped], indent=1))
        return
    width = max(len(item.name) for item in shipped)
    for item in shipped:
        print(f"{item.name:<{width}}  {item.title}")


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder; created if it is missing.")]) -> None:
    """Write a small commented scenario as a starting point."""
    from lodeplan.service.cli.writing import write_example

    path = write_example(folder)
    print(f"Wrote {path}. Solve it with: lodeplan solve {path}")


@app.command(short_help="Write a scenario to one file.")
def export(
    scenario: Source,
    out: Annotated[Path, typer.Option(metavar="FILE", help="File to write, ending in .yaml, .yml or .json.")],
    sets: Sets = None,
) -> None:
    """Write a scenario to one file, with its base and changes applied."""
    from lodeplan.service.cli.writing import write_scenario

    write_scenario(scenario, _patches(sets), out)
    print(f"Wrote {out}.")


def _certificate_without_folder() -> Exception:
    from lodeplan.schemas import InputProblem, InvalidInput

    message = "a certificate is written beside its plan, and no folder is given for that."
    return InvalidInput(
        [InputProblem(code="missing_folder", path="--certificate", message=message, remedy="Add `--out DIR`.")]
    )


def _patches(sets: Sequence[str] | None) -> list[Patch]:
    """Read the patches in `--set` options; raises `InvalidInput` with all errors."""
    if not sets:
        return []
    from lodeplan.service.cli.validation import patches_of

    return patches_of(sets)
