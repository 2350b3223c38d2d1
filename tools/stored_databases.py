"""Write small databases as this version of the program leaves them: `python -m tools.stored_databases FOLDER`.

Later versions are tested on them: `tests/data/stored_databases/README.md` says which state made which. Everything goes
in through the API and is solved by a real worker; only what no quick run leaves by itself is written by hand.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy
from fastapi.testclient import TestClient

from lodeplan.schemas import Solution, Termination
from lodeplan.schemas.access import KeyRequest, Scope
from lodeplan.service import storage
from lodeplan.service.access import keys
from lodeplan.service.app import create_app
from lodeplan.service.engine import Attempt
from lodeplan.service.engine.dbos import DbosEngine
from lodeplan.service.jobs import attempts, states
from lodeplan.service.jobs.attempts import Outcome
from lodeplan.service.operations.backup import backup
from lodeplan.service.settings import Settings
from lodeplan.service.storage import Delivery, Job, WorkerRow, open_session
from lodeplan.service.workers.child_process import Watch, Work
from lodeplan.service.workers.child_solver import ChildSolver
from lodeplan.service.workers.worker import Worker

API = "/api/v1"
Data = dict[str, Any]


def small(**changes: Any) -> Data:
    """Two years of one metal from two places; the sections of `changes` go over its own."""
    route = {"commodity": "metal", "destination": "USA", "customs_value_kusd_per_t": 10}
    data: Data = {
        "name": "small",
        "title": "Two years of one metal",
        "home": "USA",
        "horizon": {"first_year": 2026, "period_years": [1, 1]},
        "commodities": {"metal": {"stage": "refined", "mineral_group": "metal", "hts": ["8112.92.10"]}},
        "places": {"USA": {}, "CHN": {"groups": ["covered"]}, "AUS": {"groups": ["allies"]}},
        "facilities": {
            "offer CHN": {"place": "CHN", "outputs": {"metal": 1}, "cost_kusd_per_t": 10},
            "offer AUS": {"place": "AUS", "outputs": {"metal": 1}, "cost_kusd_per_t": 12, "capacity_t_per_y": 100},
        },
        "routes": {"metal CHN": {**route, "origin": "CHN"}, "metal AUS": {**route, "origin": "AUS"}},
        "demands": {
            "user": {
                "commodity": "metal",
                "tier": "other",
                "quantity_t_per_y": 50,
                "shortage_penalty_kusd_per_t": 100,
            }
        },
    }
    for section, entries in changes.items():
        data[section] = {**data[section], **entries} if isinstance(data.get(section), dict) else entries
    return data


def need(tier: str, quantity: float, penalty: float) -> Data:
    """A demand for the metal."""
    return {
        "commodity": "metal",
        "tier": tier,
        "quantity_t_per_y": quantity,
        "shortage_penalty_kusd_per_t": penalty,
    }


def every_kind() -> Data:
    """Every kind of source and use that tables name: recycled, substitute, reduced, export, disposal and the rest."""
    return small(
        name="every-kind",
        title="Every kind of source and use",
        horizon={"first_year": 2026, "period_years": [1, 2, 2]},
        commodities={
            "ore": {"stage": "ore", "mineral_group": "metal"},
            "tin": {"stage": "refined", "mineral_group": "tin", "disposable": True},
        },
        facilities={
            "mine AUS": {"place": "AUS", "outputs": {"ore": 1}, "cost_kusd_per_t": 3, "capacity_t_per_y": 20},
            "smelter": {
                "place": "USA",
                "inputs": {"ore": 2},
                "outputs": {"metal": 1, "tin": 0.5},
                "cost_kusd_per_t": 1,
                "minimum_utilisation_share": 0.5,
                "capacity_t_per_y": 10,
            },
            "tin AUS": {"place": "AUS", "outputs": {"tin": 1}, "cost_kusd_per_t": 20},
            "offer CHN": {"place": "CHN", "outputs": {"metal": 1}, "cost_kusd_per_t": 10, "capacity_t_per_y": 30},
        },
        projects={
            "new mine": {
                "title": "A new mine",
                "place": "USA",
                "outputs": {"metal": 1},
                "capacity_t_per_y": 8,
                "cost_kusd_per_t": 2,
                "capex_kusd": 50,
                "tracks": {
                    "standard": {"permit_years": 1, "construction_years": 1},
                    "fast_track": {"permit_years": 0, "construction_years": 1, "extra_cost_kusd": 20},
                },
            }
        },
        routes={
            "ore AUS": {"commodity": "ore", "origin": "AUS", "destination": "USA"},
            "tin AUS": {"commodity": "tin", "origin": "AUS", "destination": "USA"},
            "metal AUS": {
                "commodity": "metal",
                "origin": "AUS",
                "destination": "USA",
                "capacity_t_per_y": 40,
                "onboarding": {"cost_kusd": 5, "lead_years": 1},
            },
            "metal out": {"commodity": "metal", "origin": "USA", "destination": "AUS"},
        },
        tariffs={"extra": {"programme": "section_301", "origins": ["CHN"], "hts": ["8112"], "rate_share": 0.25}},
        stockpiles={
            "store": {
                "commodity": "metal",
                "opening_t": 10,
                "capacity_t": 40,
                "holding_kusd_per_t_y": 0.5,
                "end_value_kusd_per_t": 8,
            }
        },
        demands={
            "user": {
                "commodity": "metal",
                "tier": "essential_civilian",
                "quantity_t_per_y": 50,
                "shortage_penalty_kusd_per_t": "0.1=50; 1=400",
                "substitutes": {
                    "tin instead": {"commodity": "tin", "limit_share": 0.2, "cost_kusd_per_t": 1},
                    "less": {"limit_share": 0.1, "cost_kusd_per_t": 5},
                },
                "elastic": {"price_kusd_per_t": 12, "elasticity": 0.5, "down_to_share": 0.8},
            },
            "army": {
                "commodity": "metal",
                "tier": "military",
                "quantity_t_per_y": 5,
                "shortage_penalty_kusd_per_t": 900,
            },
            "sold": {"commodity": "metal", "tier": "export", "quantity_t_per_y": 2, "shortage_penalty_kusd_per_t": 15},
        },
        recycling={
            "scrap": {"commodity": "metal", "from_commodity": "metal", "recovered_t_per_t": 0.2, "past_use_t_per_y": 40}
        },
        limits={
            "cap": {
                "kind": "share_cap",
                "commodity": "metal",
                "places": ["covered"],
                "cap_share": 0.5,
                "violation_price_kusd": 3,
            }
        },
        events={"ban": {"changes": "exports", "places": ["CHN"], "onset": "2027-07-01", "availability_share": 0}},
        futures={"calm": {}, "ban": {"title": "China stops", "probability": 0.2, "events": ["ban"]}},
    )


def hostile() -> Data:
    """Names that a spreadsheet would run, and titles that a page would."""
    data = small(name="hostile", title="<script>alert(1)</script>")
    for section in ("facilities", "routes"):
        data[section]['=HYPERLINK("https://example.org","x")'] = data[section].pop(
            "offer CHN" if section == "facilities" else "metal CHN"
        )
    data["demands"] = {"@SUM(A1:A9)": data["demands"]["user"]}
    return data


UNBOUNDED = small(
    name="unbounded",
    title="A stockpile without room limit that earns money",
    stockpiles={"s": {"commodity": "metal", "end_value_kusd_per_t": 50}},
)
UNBOUNDED_WITH_PROJECT = {
    **UNBOUNDED,
    "projects": {
        "p": {
            "place": "USA",
            "outputs": {"metal": 1},
            "capacity_t_per_y": 5,
            "cost_kusd_per_t": 1,
            "capex_kusd": 1,
            "tracks": {"std": {"permit_years": 0, "construction_years": 0}},
        }
    },
}
INFEASIBLE = small(
    name="infeasible",
    title="A mill that must make more than anybody takes",
    facilities={
        "mill": {
            "place": "USA",
            "outputs": {"metal": 1},
            "cost_kusd_per_t": 1,
            "capacity_t_per_y": 1000,
            "minimum_utilisation_share": 0.9,
        }
    },
)
DOUBTFUL = {
    "no price": small(facilities={"offer CHN": {"place": "CHN", "outputs": {"metal": 1}}}),
    "codes in one text": small(
        commodities={"metal": {"stage": "refined", "mineral_group": "metal", "hts": "8112.92, 8112.99"}}
    ),
    "a code that lost its sign": small(
        tariffs={"t": {"programme": "p", "hts": ["8.11292E+09", "."], "rate_share": 0.1}}
    ),
    "groups with a comma": small(places={"AUS": {"groups": "allies, covered"}}),
    "capacity of 1e16": small(
        facilities={
            "offer AUS": {"place": "AUS", "outputs": {"metal": 1}, "cost_kusd_per_t": 12, "capacity_t_per_y": 1e16}
        }
    ),
    "all at once": small(
        commodities={"metal": {"stage": "refined", "mineral_group": "metal", "hts": "8112.92, 8112.99"}},
        places={"AUS": {"groups": "allies, covered"}},
        facilities={
            "offer AUS": {"place": "AUS", "outputs": {"metal": 1}, "cost_kusd_per_t": 12, "capacity_t_per_y": 1e16}
        },
    ),
}
"""Scenarios that were valid and may not be any more."""


def solve(work: Work, watch: Watch) -> Outcome:
    """In a child, as ever; then a job says in its scenario's description that a limit stopped it."""
    outcome = ChildSolver(60)(work, watch)
    wish = json.loads(gzip.decompress(work.scenario_gzip))["description"]
    if wish == "out of time":
        return Outcome(Termination.TIME_LIMIT, Solution.NONE)
    if wish not in ("time limit", "stopped"):
        return outcome
    document = json.loads(gzip.decompress(outcome.document_gzip or b""))
    termination = Termination.TIME_LIMIT if wish == "time limit" else Termination.INTERRUPTED
    found = {"termination": termination.value, "solution": "feasible", "gap": 0.02}
    document["summary"] |= found | {"bound_kusd": 0.98 * document["summary"]["objective_kusd"]}
    text = json.dumps(document, separators=(",", ":"))
    return replace(
        outcome,
        termination=termination,
        solution=Solution.FEASIBLE,
        document_gzip=gzip.compress(text.encode(), mtime=0),
    )


class Service:
    """The service over a database, and a few things that are asked of it."""

    def __init__(self, database: sqlalchemy.Engine, client: TestClient) -> None:
        self.database, self.client = database, client

    def submit(self, body: Data, **headers: str) -> str:
        """Have a job; its id."""
        answer = self.client.post(f"{API}/jobs", json=body, headers=headers)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def wait(self, *job_ids: str) -> None:
        """Until these have ended."""
        for job_id in job_ids:
            while "ended_at" not in self.client.get(f"{API}/jobs/{job_id}", params={"wait": 20}).json():
                pass


@contextmanager
def service_on(database: sqlalchemy.Engine, *, works: bool = True) -> Iterator[Service]:
    """The service, with a worker or without."""
    engine = DbosEngine(database)
    worker = Worker(database, engine, solve) if works else None
    settings = Settings(allowed_hosts="testserver", slots=2)
    app = create_app(settings, database=database, engine=engine, worker=worker)
    with TestClient(app) as client:
        yield Service(database, client)


def said(wish: str) -> list[Data]:
    """The patch that has a job end so."""
    return [{"op": "set", "path": "description", "value": wish}]


def textbook(database: sqlalchemy.Engine) -> None:
    """Plans of shipped scenarios, one of them reused."""
    names = ("golden-toy", "tariff-rate-quota", "content-tariff", "sampled-futures", "price-floor", "by-product")
    with service_on(database) as service:
        service.wait(*[service.submit({"scenario": name, "label": f"as shipped: {name}"}) for name in names])
        service.submit({"scenario": "golden-toy", "label": "the same again"})


def kinds(database: sqlalchemy.Engine) -> None:
    """Every kind of source and use, under each objective."""
    with service_on(database) as service:
        made = [service.submit({"scenario": every_kind()}), service.submit({"scenario": hostile()})]
        for objective in ("worst_future", "maximum_regret"):
            patch = {"op": "set", "path": "risk.objective", "value": objective}
            made.append(service.submit({"scenario": every_kind(), "patches": [patch]}))
        service.wait(*made)


def without_plan(database: sqlalchemy.Engine) -> None:
    """Infeasible and unbounded scenarios, one of the latter with what passed for a plan; and every other bad end."""
    with service_on(database) as service:
        wished = [
            {"scenario": "golden-toy", "patches": said(wish)} for wish in ("time limit", "stopped", "out of time")
        ]
        bodies = [{"scenario": data} for data in (INFEASIBLE, UNBOUNDED, UNBOUNDED_WITH_PROJECT)]
        service.wait(*[service.submit(body) for body in [*bodies, *wished]])


def queued(database: sqlalchemy.Engine) -> None:
    """Jobs that wait, all of them valid for ever."""
    with service_on(database, works=False) as service:
        for label, scenario in {"toy": "golden-toy", "small": small(), "kinds": every_kind()}.items():
            service.submit({"scenario": scenario, "label": label, "options": {"gap": 0.001, "time_limit_s": 60}})
        cancelled = service.submit({"scenario": "golden-toy", "label": "cancelled"})
        service.client.post(f"{API}/jobs/{cancelled}:cancel")


def queued_in_doubt(database: sqlalchemy.Engine) -> None:
    """Jobs that wait and were valid when they came, and an address that hears of their end."""
    with service_on(database, works=False) as service:
        service.client.post(f"{API}/webhooks", json={"url": "https://example.org/hook"})
        for label, scenario in DOUBTFUL.items():
            service.submit({"scenario": scenario, "label": label})
        service.submit({"scenario": "golden-toy", "label": "without doubt"})


def solved_in_doubt(database: sqlalchemy.Engine) -> None:
    """Plans of scenarios that were valid when they were solved."""
    with service_on(database) as service:
        service.wait(*[service.submit({"scenario": data, "label": label}) for label, data in DOUBTFUL.items()])


def dead_worker(database: sqlalchemy.Engine) -> None:
    """Jobs in the hands of a worker that died: running, stopping, cancelling, and one that killed two before."""
    with service_on(database, works=False) as service:
        labels = ("running", "stopping", "cancelling", "third worker", "running in doubt")
        made = {
            label: service.submit(
                {"scenario": DOUBTFUL["all at once"] if "doubt" in label else "golden-toy", "label": label}
            )
            for label in labels
        }
    with open_session(database) as session:
        session.add(
            WorkerRow(
                id="worker-that-died", host="gone.example", pid=4321, version="0.1.0", slots=5,
                started_at=storage.now(), lease_s=15.0, lease_until_s=1.0,
            )
        )  # fmt: skip
        for job_id in made.values():
            assert attempts.start(session, Attempt(job_id, 1), "worker-that-died")
        states.request_stop(session, made["stopping"])
        states.request_cancel(session, made["cancelling"])
        session.execute(sqlalchemy.update(Job).where(Job.id == made["third worker"]).values(lost_workers=2))
        session.commit()
    taken = "update workflow_status set status = 'PENDING', executor_id = 'worker-that-died'"
    with database.begin() as connection:
        connection.execute(sqlalchemy.text(taken))


def batches(database: sqlalchemy.Engine) -> None:
    """A batch that has ended, one cancelled, and one that waits, with a job that may not be valid any more."""

    def batch(*values: float) -> Data:
        items = [
            {"label": f"{v}", "patches": [{"op": "set", "path": "economics.discount_rate", "value": v}]} for v in values
        ]
        return {"kind": "batch", "scenario": small(), "label": "rates", "jobs": items}

    with service_on(database) as service:
        service.wait(service.submit(batch(0.05, 0.07, 0.09)))
    with service_on(database, works=False) as service:
        cancelled = service.submit(batch(0.1, 0.11))
        service.client.post(f"{API}/jobs/{cancelled}:cancel")
        waiting = batch(0.05, 0.12)
        waiting["jobs"].append(
            {"label": "in doubt", "patches": [{"op": "set", "path": "places.AUS.groups", "value": "allies, covered"}]}
        )
        service.submit(waiting)


def addresses(database: sqlalchemy.Engine) -> None:
    """Webhooks with messages delivered, due and given up; keys under which jobs were sent twice."""
    with service_on(database) as service:
        for host in ("one", "two"):
            service.client.post(f"{API}/webhooks", json={"url": f"https://{host}.example.org/hook"})
        body = {"scenario": "golden-toy", "label": "sent twice"}
        first = service.submit(body, **{"idempotency-key": "monday"})
        service.wait(first)
        assert service.submit(body, **{"idempotency-key": "monday"}) == first
        service.wait(service.submit({"scenario": INFEASIBLE}, **{"idempotency-key": "tuesday"}))
    with open_session(database) as session:
        deliveries = list(session.exec(sqlalchemy.select(Delivery)).scalars())
        for delivery, state in zip(deliveries, ("delivered", "given up", "due again"), strict=False):
            delivery.tries = {"delivered": 1, "given up": 9, "due again": 3}[state]
            delivery.status = 200 if state == "delivered" else 503
            delivery.delivered_at = storage.now() if state == "delivered" else None
            delivery.due_at_s = 4e9 if state == "due again" else None
            delivery.error = None if state == "delivered" else "503 Service Unavailable"
        session.commit()


def tenants(database: sqlalchemy.Engine) -> None:
    """Two tenants with keys of each scope, a rotated and a revoked one, sessions, and what they did."""
    with service_on(database) as service, open_session(database) as session:
        for tenant in ("north", "south"):
            made = {
                scope: keys.create_key(session, tenant, KeyRequest(name=f"{scope} of {tenant}", scope=scope))
                for scope in Scope
            }
            keys.create_session(session, made[Scope.READ][0])
            session.commit()
            shown = {"authorization": f"Bearer {made[Scope.ADMIN][1]}"}
            job_id = service.submit({"scenario": small(), "label": tenant}, **shown)
            while "ended_at" not in service.client.get(f"{API}/jobs/{job_id}?wait=20", headers=shown).json():
                pass
            service.client.post(f"{API}/keys/{made[Scope.READ][0].id}:rotate", headers=shown)
            service.client.delete(f"{API}/keys/{made[Scope.READ][0].id}", headers=shown)


def jobs_and_logs(database: sqlalchemy.Engine) -> None:
    """A job whose log is long, one that failed in its child, and one that was deleted."""
    with service_on(database) as service:
        made = [service.submit({"scenario": "hundred-losses"}), service.submit({"scenario": small(), "label": "kept"})]
        gone = service.submit({"scenario": small(title="to be deleted")})
        service.wait(*made, gone)
        service.client.delete(f"{API}/jobs/{gone}")
    with open_session(database) as session:
        for number in range(200):
            states.tell(session, made[1], f"{number / 10:8.1f} s  search  gap 5.000%")
        session.commit()


MADE: tuple[Callable[[sqlalchemy.Engine], None], ...] = (
    textbook, kinds, without_plan, queued, queued_in_doubt, solved_in_doubt, dead_worker, batches, addresses, tenants,
    jobs_and_logs,
)  # fmt: skip


def write(make: Callable[[sqlalchemy.Engine], None], folder: Path) -> None:
    """Make one database, and of the one with a dead worker a backup too."""
    name = make.__name__
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / f"{name}.db"
        database = storage.open_database(f"sqlite:///{file}")
        storage.migrate(database)
        make(database)
        if make in (dead_worker, without_plan):
            saved = file.with_name("backup.db")
            backup(database, saved)
            pack(saved, folder / f"backup_of_{name}.db.gz")
        database.dispose()
        pack(file, folder / f"{name}.db.gz")


def pack(file: Path, target: Path) -> None:
    """One file without a write-ahead log, compressed."""
    with sqlite3.connect(file, isolation_level=None) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("VACUUM")
    connection.close()
    target.write_bytes(gzip.compress(file.read_bytes(), compresslevel=9, mtime=0))
    print(f"{target.name}: {target.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    for one in MADE:
        if not sys.argv[2:] or one.__name__ in sys.argv[2:]:
            write(one, Path(sys.argv[1]))
