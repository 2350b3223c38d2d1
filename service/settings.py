"""Settings of the service, from environment variables that begin with `LODEPLAN_`."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lodeplan.schemas import InputProblem, InvalidInput
from lodeplan.schemas.jobs import MAX_PRIORITY

PREFIX = "LODEPLAN_"


def default_data_dir() -> Path:
    """Return the user's data folder at the place customary on this system."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "lodeplan"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "lodeplan"
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "lodeplan"


def usable_memory_mb() -> float:
    """Four fifths of the memory of this machine, or of its container, MB."""
    held = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for place in ("memory.max", "memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            held.append(int((Path("/sys/fs/cgroup") / place).read_text()))
    return 0.8 * min(held) / 1e6


def _without_password(value: object) -> str:
    return re.sub(r"(?<=//).*(?=@)", "***", str(value))


class Settings(BaseModel):
    """Every field is the environment variable of its name, in capitals, after `LODEPLAN_`."""

    model_config = ConfigDict(frozen=True)

    data_dir: Path = Field(default_factory=default_data_dir, description="Folder of the default database.")
    database_url: str = Field(
        default="",
        pattern="^$|^sqlite:///.|^postgres(ql)?://.",
        description="`sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`; a file in the data folder when unset.",
    )
    max_body_mb: float = Field(default=32, gt=0, description="Largest body of a request, MB.")
    max_connections: int = Field(
        default=1_000,
        ge=8,
        description="Most connections to `lodeplan serve` at a time; fewer where the system allows fewer file handles.",
    )
    address_connections: int = Field(
        default=250,
        ge=0,
        description="Most connections of one address at a time; 0: no limit of its own. Behind a proxy, which is one "
        "address for all, set it to 0 and let the proxy limit callers.",
    )
    head_s: float = Field(
        default=10, gt=0, description="Time that the head of a request may take to arrive, seconds; then 408."
    )
    body_s: float = Field(
        default=120, gt=0, description="Time that the body of a request may take to arrive, seconds; then 408."
    )
    min_rate_kb_s: float = Field(
        default=2,
        ge=0,
        description="Slowest rate, kB/s, taken over ten seconds, at which a body may arrive (then 408) or an answer "
        "may be read (then the connection is closed); 0: any.",
    )
    max_queued: int = Field(
        default=20_000, ge=0, description="Most jobs that may wait for a worker; further requests get 503. 0: no limit."
    )
    check_processes: int = Field(
        default=3,
        ge=1,
        description="Processes of `lodeplan serve` that check requests for jobs. One tenant may have all but one of "
        "them busy.",
    )
    check_s: float = Field(
        default=30,
        gt=0,
        description="Processor time that checking a request for a job may take, seconds; ten times this for a batch. "
        "Then 413.",
    )
    webhook_private_targets: bool = Field(
        default=False, description="Allow webhooks over plain http, and to this machine and private networks."
    )
    slots: int = Field(
        default_factory=lambda: max(1, (os.cpu_count() or 1) // 2),
        ge=1,
        description="Solves that a worker runs at a time; the worker started last sets it for all workers of the "
        "database.",
    )
    slot_threads: int = Field(
        default=1,
        ge=1,
        le=256,
        description="Most threads of a solve, whatever `solve.threads` of its scenario asks for.",
    )
    max_solve_s: float = Field(
        default=86_400,
        ge=0,
        description="Longest time limit of a solve, seconds; also for jobs that set none. 0: no limit.",
    )
    hard_limit_margin_s: float = Field(
        default=120,
        gt=0,
        description="Time after its time limit at which a solve is killed, seconds: reading, building and presolve do "
        "not watch the clock.",
    )
    require_login: bool | None = Field(
        default=None,
        description="true: every caller needs a key or token. false: nobody does; allowed on this machine only. When "
        "unset: required once a key exists, with OpenID Connect, and when other machines can connect.",
    )
    allowed_hosts: str = Field(
        default="", description="Further host names that the service accepts, separated by commas."
    )
    oidc_issuer: str = Field(
        default="",
        pattern=r"^$|^https://.|^http://(localhost|127\.0\.0\.1|\[::1\])[:/]",
        description="OpenID Connect: the issuer whose tokens are accepted, an https:// address.",
    )
    oidc_audience: str = Field(default="", description="OpenID Connect: the audience a token must be for.")
    oidc_jwks_url: str = Field(
        default="",
        pattern=r"^$|^https://.|^http://(localhost|127\.0\.0\.1|\[::1\])[:/]",
        description="Address of the issuer's keys; taken from its discovery document when empty.",
    )
    oidc_tenant_claim: str = Field(default="tenant", min_length=1, description="Claim that names the tenant.")
    oidc_scope_claim: str = Field(
        default="scope", min_length=1, description="Claim with `lodeplan:read`, `lodeplan:submit` or `lodeplan:admin`."
    )
    requests_per_minute: int = Field(
        default=0, ge=0, description="Most requests of one caller per minute, in each process; 0: no limit."
    )
    tenant_requests_per_minute: int | None = Field(
        default=None,
        ge=0,
        description="Most requests of all callers of a tenant together per minute, in each process; as many as of one "
        "caller when unset. 0: no limit.",
    )
    tenant_streams: int = Field(
        default=200,
        ge=0,
        description="Most event streams and requests with `wait` of a tenant that are open at a time, in each process; "
        "0: no limit.",
    )
    sign_ins_per_minute: int = Field(
        default=10,
        ge=0,
        description="Most sign-ins from one address per minute, in each process; 0: no limit. Behind a proxy, which is "
        "one address for all, raise it.",
    )
    tenant_max_queued: int = Field(
        default=0, ge=0, description="Most jobs of a tenant that may be queued at a time; 0: no limit."
    )
    tenant_jobs_per_day: int = Field(
        default=0, ge=0, description="Most jobs that a tenant may submit in 24 h, deleted ones included; 0: no limit."
    )
    tenant_cpu_s_per_day: float = Field(
        default=0,
        ge=0,
        description="Most processor time that the solves of a tenant may use in 24 h, seconds. Then requests get 429, "
        "jobs that wait fail as `quota_reached`, and those that run go on; 0: no limit.",
    )
    tenant_max_results: int = Field(
        default=0,
        ge=0,
        description="Most results that a tenant may keep; a job that has not ended counts as one. 0: no limit.",
    )
    tenant_max_stored_mb: float = Field(
        default=0,
        ge=0,
        description="Most that the stored scenarios and results of a tenant may take, compressed, MB; a job whose "
        "result has no room fails as `quota_reached`. 0: no limit.",
    )
    tenant_max_priority: int = Field(
        default=MAX_PRIORITY,
        ge=-MAX_PRIORITY,
        le=MAX_PRIORITY,
        description="Highest priority that a request may ask for. It orders the jobs of its tenant alone: tenants take "
        "turns.",
    )
    tenant_max_schedules: int = Field(default=20, ge=0, description="Most schedules that a tenant may have.")
    memory_mb: float | None = Field(
        default=None,
        gt=0,
        description="Memory limit of a solve, MB (Linux). A solve that by its size cannot fit does not begin, and one "
        "that holds more is ended; both fail as `out_of_memory`. When unset, four fifths of the memory of the machine "
        "or container, divided by the slots.",
    )
    fork_solves: bool = Field(
        default=True,
        description="Keep a process with all packages loaded, about 120 MiB, from which solves are forked (Linux). "
        "false: every solve loads the packages anew, which takes 1 to 2 s of processor time.",
    )
    tenant_slots: int | None = Field(
        default=None,
        ge=1,
        description="Most solves of one tenant that run at a time, over all workers; the worker started last sets it "
        "for all. No limit when unset.",
    )
    lease_s: float = Field(
        default=15,
        ge=1,
        le=600,
        description="Time that a worker may be silent before its jobs run elsewhere, seconds; it renews its lease "
        "every fifth of this. A database outage longer than this loses the running solves.",
    )
    drain_s: float = Field(
        default=10, ge=0, description="Time that running solves get to finish when a process is asked to end, seconds."
    )
    keep_days: float = Field(
        default=0,
        ge=0,
        description="Age at which ended jobs and all their data are deleted, days; 0: never.",
    )
    keep_idempotency_hours: float = Field(
        default=24, ge=0, description="Time for which an Idempotency-Key is remembered, hours; 0: for ever."
    )
    keep_deliveries_days: float = Field(
        default=30,
        ge=0,
        description="Age at which entries in the log of webhook deliveries are deleted, days; 0: never.",
    )
    keep_audit_days: float = Field(
        default=365, ge=0, description="Age at which entries of the audit log are deleted, days; 0: never."
    )
    metrics_port: int = Field(
        default=0, ge=0, le=65535, description="Port on which `lodeplan worker` answers `/metrics`; 0: none."
    )
    metrics_host: str = Field(default="127.0.0.1", description="Address on which `lodeplan worker` answers `/metrics`.")
    log_level: str = Field(
        default="INFO",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
        description="`DEBUG`, `INFO`, `WARNING` or `ERROR`; logs are JSON, one object per line, on standard error.",
    )
    log_lines_per_s: float = Field(
        default=100,
        ge=0,
        description="Lines of one kind (the same logger, level and event, such as `request`) that are logged a second, "
        "with ten seconds' worth at once; the next one says in `left_out` how many were left out. 0: all.",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings of this environment; raises an `InvalidInput` that names each wrong variable."""
        names = {field: PREFIX + field.upper() for field in cls.model_fields}
        values = {field: environment[name] for field, name in names.items() if environment.get(name)}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise InvalidInput(
                [
                    InputProblem(
                        code="bad_setting",
                        path=names[field],
                        message=item["msg"] + ".",
                        value=_without_password(item["input"]) if item["loc"] else None,
                        allowed=(cls.model_fields[field].description or "").rstrip("."),
                        remedy="Change the environment variable, or unset it.",
                    )
                    for item in error.errors()
                    for field in [str(item["loc"][0]) if item["loc"] else "oidc_audience"]
                ]
            ) from None

    @model_validator(mode="after")
    def _names_an_audience(self) -> Self:
        if self.oidc_issuer and not self.oidc_audience:
            # Without one, a token that the issuer gave to any other service would open this one.
            raise ValueError("LODEPLAN_OIDC_ISSUER needs LODEPLAN_OIDC_AUDIENCE")
        return self

    @property
    def host_names(self) -> frozenset[str]:
        """The names in `allowed_hosts`."""
        return frozenset(name.strip().lower() for name in self.allowed_hosts.split(",") if name.strip())

    @property
    def solve_memory_mb(self) -> float:
        """Memory limit of one solve, MB."""
        return self.memory_mb or usable_memory_mb() / self.slots

    @property
    def sqlalchemy_url(self) -> str:
        """Return the database URL for SQLAlchemy; creates the data folder if the default file is used."""
        if not self.database_url:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            return f"sqlite:///{self.data_dir / 'lodeplan.db'}"
        for plain in ("postgres://", "postgresql://"):
            if self.database_url.startswith(plain):
                return "postgresql+psycopg://" + self.database_url.removeprefix(plain)
        return self.database_url
