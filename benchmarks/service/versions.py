"""Later versions of the program, made up for a campaign: a name, and tables with one more column."""

import shutil
from importlib import metadata, resources
from pathlib import Path

from lodeplan.service.jobs import reuse
from lodeplan.service.storage import database
from lodeplan.service.workers import leases

_STEP = '''"""Made up: the column `{name}`."""

import sqlalchemy as sa
from alembic import op

revision = "{name}"
down_revision = "{before}"


def upgrade() -> None:
    """Apply this step."""
    op.add_column("job", sa.Column("{name}", sa.String))
'''


def copy_migrations(folder: Path) -> Path:
    """The migrations of this version, in a folder to which more may be added."""
    copy = folder / "migrations"
    with resources.as_file(resources.files("lodeplan.service.storage") / "migrations") as ours:
        shutil.copytree(ours, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def add_step(migrations: Path, before: str, name: str) -> None:
    """Add a step that adds a nullable column."""
    (migrations / "versions" / f"{name}.py").write_text(_STEP.format(name=name, before=before))


def become(name: str, migrations: str) -> None:
    """Have this process be of another version, with these migrations."""
    ours = metadata.version

    def version(package: str) -> str:
        return name if package == "lodeplan" else ours(package)

    leases.version = reuse.version = version  # type: ignore[attr-defined]
    config = database._config

    def with_migrations() -> object:
        found = config()
        found.set_main_option("script_location", migrations)
        return found

    database._config = with_migrations
