"""Settings of the service, from environment variables that begin with `LODEPLAN_`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas import InputProblem, InvalidInput

PREFIX = "LODEPLAN_"


def default_data_dir() -> Path:
    """The user's data folder, where the system keeps such folders."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "lodeplan"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "lodeplan"
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "lodeplan"


class Settings(BaseModel):
    """Every field is the environment variable of its name, in capitals, after `LODEPLAN_`."""

    model_config = ConfigDict(frozen=True)

    data_dir: Path = Field(default_factory=default_data_dir, description="Folder of the default database.")
    database_url: str = Field(
        default="",
        pattern="^$|^sqlite:///.|^postgres(ql)?://.",
        description="SQLite or PostgreSQL; a file in `data_dir` when empty.",
    )
    max_body_mb: float = Field(default=32, gt=0, description="Largest body of a request, MB.")
    max_queued: int = Field(
        default=20_000, ge=0, description="Jobs that may wait for a worker; more are answered 503. 0: no limit."
    )
    idempotency_hours: float = Field(default=24, gt=0, description="How long an Idempotency-Key is remembered, hours.")
    webhook_private_targets: bool = Field(
        default=False, description="Whether webhooks may be plain http, and reach this machine and private networks."
    )
    slots: int = Field(
        default_factory=lambda: max(1, (os.cpu_count() or 1) // 2),
        ge=1,
        description="Solves a worker runs at once.",
    )
    hard_limit_margin_s: float = Field(
        default=120,
        gt=0,
        description="A solve is killed this long after its time limit, seconds: reading, building and presolve "
        "do not watch the clock.",
    )
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """The settings of this environment; raises `InvalidInput` that names each wrong variable."""
        names = {field: PREFIX + field.upper() for field in cls.model_fields}
        values = {field: environment[name] for field, name in names.items() if environment.get(name)}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise InvalidInput(
                [
                    InputProblem(
                        code="bad_setting",
                        path=names[str(item["loc"][0])],
                        message=item["msg"] + ".",
                        value=item["input"],
                        allowed=(cls.model_fields[str(item["loc"][0])].description or "").rstrip("."),
                        remedy="Change the environment variable, or unset it.",
                    )
                    for item in error.errors()
                ]
            ) from None

    @property
    def sqlalchemy_url(self) -> str:
        """The database as SQLAlchemy names it; makes the data folder if the default file goes there."""
        if not self.database_url:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            return f"sqlite:///{self.data_dir / 'lodeplan.db'}"
        for plain in ("postgres://", "postgresql://"):
            if self.database_url.startswith(plain):
                return "postgresql+psycopg://" + self.database_url.removeprefix(plain)
        return self.database_url
