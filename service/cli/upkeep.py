"""Commands for operators: migrations, backups and the doctor."""

from __future__ import annotations

from pathlib import Path

from lodeplan.schemas import InputProblem, InvalidInput
from lodeplan.service import storage
from lodeplan.service.engine.dbos import DbosEngine
from lodeplan.service.operations.backup import backup, restore
from lodeplan.service.operations.doctor import Report, examine
from lodeplan.service.settings import Settings
from lodeplan.service.storage import going_back
from lodeplan.service.telemetry import logs

_SIGNS = {"ok": "ok     ", "warning": "WARNING", "failed": "FAILED "}


def migrate_tables() -> None:
    """Bring the tables up to date and print the steps."""
    before, after = storage.migrate(storage.open_database(Settings.from_environment().sqlalchemy_url))
    known = storage.revisions()
    applied = [step for step in known if before is None or step > before]
    for step in applied:
        print(f"Applied {step}: {known[step]}")
    print(f"The tables have version {after}." if applied else f"The tables already have version {after}.")


def take_tables_back(version: str, confirmed: bool) -> None:
    """Print what the tables lose on the way to those of an earlier version, and go it if this is `confirmed`."""
    database = storage.open_database(Settings.from_environment().sqlalchemy_url)
    way = going_back.go_back(database, going_back.revision_named(version), confirmed=confirmed)
    if way.before == way.after:
        print(f"The tables already have version {way.after}.")
        return
    print(f"From version {way.before} to {way.after} the tables lose:")
    for line in [*(f"{loss}." for loss in way.dropped), *way.rewritten]:
        print(f"- {line}")
    if not confirmed:
        problem = InputProblem(
            code="not_confirmed",
            path="--yes",
            message="nothing has been changed.",
            remedy="Take a backup, stop all processes, and repeat the command with --yes.",
        )
        raise InvalidInput([problem])
    print(f"The tables have version {way.after}. Start only processes of that version.")


def write_backup(file: Path) -> None:
    """Write a backup and print its contents."""
    rows = backup(storage.open_database(Settings.from_environment().sqlalchemy_url), file)
    print(f"Wrote {file} ({file.stat().st_size / 1e6:.1f} MB): {_counted(rows)}.")


def restore_backup(file: Path, replace: bool) -> None:
    """Restore a backup and print what was restored."""
    # What libraries say of their steps is not for a terminal.
    logs.configure("ERROR")
    database = storage.open_database(Settings.from_environment().sqlalchemy_url)
    engine = DbosEngine(database)
    try:
        done = restore(file, database, engine, replace=replace)
    finally:
        engine.close()
    print(f"Restored {_counted(done.rows)}.")
    if done.requeued or done.cancelled:
        print(f"Queued again: {done.requeued} jobs. Cancelled, as requested before the backup: {done.cancelled}.")


def _counted(rows: dict[str, int]) -> str:
    return ", ".join(f"{count} {table}" for table, count in rows.items() if count) or "no rows"


def examined() -> Report:
    """Run the doctor with the settings of the environment."""
    # Standard output is for the report alone.
    logs.configure("ERROR")
    return examine(Settings.from_environment())


def print_report(report: Report) -> None:
    """Print a line for each check, and below it a line on what to do."""
    for check in report.checks:
        print(f"{_SIGNS[check.status]}  {check.name:<9}{check.found}.")
        if check.remedy:
            print(f"{'':18}{check.remedy}")
