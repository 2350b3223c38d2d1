"""A PostgreSQL of one's own, to be stopped hard: made for the purpose, gone afterwards."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

UNPRIVILEGED = ("postgres", "nobody")
PATIENCE_S = 60.0


def find_programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`, if there is one."""
    places = [Path(found).resolve().parent for name in ("initdb",) if (found := shutil.which(name))]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "postgres").exists()), None)


class Cluster:
    """A server on a free port of this machine, its files in a new folder below `place` (that of temporary files when
    left out); PostgreSQL refuses to run as root, so then as somebody else."""

    def __init__(self, place: Path | None = None, *options: str) -> None:
        self._place = place
        self._options = options

    def __enter__(self) -> "Cluster":
        programs = find_programs()
        if programs is None:
            raise FileNotFoundError("initdb and pg_ctl were not found: install PostgreSQL's server")
        self._programs = programs
        # Short, and open to whoever the server runs as: its socket stands there too.
        self._folder = Path(tempfile.mkdtemp(prefix="lodeplan-pg-", dir=self._place))
        self._user = self._other_user()
        if self._user:
            shutil.chown(self._folder, self._user)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._run(
            "initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", *self._options
        )
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_hard()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """The address of its database."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder}"
        # One that was killed a moment ago may still hold its memory.
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                self._run("pg_ctl", "-D", self._data, "-l", str(self._folder / "log"), "-w", "-o", options, "start")
                return
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def is_running(self) -> bool:
        """Whether it is up, or about to be."""
        try:
            self._run("pg_ctl", "-D", self._data, "status")
        except subprocess.CalledProcessError:
            return False
        return True

    def stop_hard(self) -> None:
        """Kill the postmaster; its other processes end when they notice."""
        try:
            pid = int((Path(self._data) / "postmaster.pid").read_text().split()[0])
            os.kill(pid, signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            return
        deadline = time.monotonic() + PATIENCE_S
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.05)

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        options: dict[str, Any] = {"user": self._user, "extra_groups": []} if self._user else {}
        command = [str(self._programs / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **options)

    @staticmethod
    def _other_user() -> str | None:
        if os.geteuid() != 0:
            return None
        import pwd

        known = {entry.pw_name for entry in pwd.getpwall()}
        return next(name for name in UNPRIVILEGED if name in known)
