"""The API keeps what its description says, whatever is sent: generated requests, one by one and in sequences."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import schemathesis
import sqlalchemy
from http_service import solve_at_once
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from job_service import new_database
from pydantic import BaseModel, ValidationError
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from sqlmodel import Session, col, select
from starlette.types import Receive, Scope, Send

from schemas.jobs import BatchRequest, JobRequest
from schemas.webhooks import WebhookRequest
from service.app import create_app
from service.engine.inline import InlineEngine
from service.settings import Settings
from service.storage import Delivery, Job, Webhook
from service.worker import Worker

BOUNDED = settings(
    max_examples=40,
    stateful_step_count=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)

CONFIG = SchemathesisConfig.from_dict(
    {
        "checks": {
            # A scenario must make sense, which no schema can say: 422 is a right answer to a body of the right form.
            "positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "413", "422"]},
        }
    }
)


class SolvedAfterwards:
    """The application, whose jobs are solved after each request; counts its answers by status."""

    def __init__(self, app: Any, engine: InlineEngine) -> None:
        self.app, self.engine = app, engine
        self.answers: Counter[int] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.answers[message["status"]] += 1
            await send(message)

        await self.app(scope, receive, counted)
        await asyncio.to_thread(self.engine.run_pending)


def holds(model: type[BaseModel], data: Any) -> bool:
    try:
        model.model_validate(data)
    except ValidationError:
        return False
    return True


class Truth:
    """Puts what there is into generated requests, in two of three, so that they reach behind 404 and 422."""

    def __init__(self, database: sqlalchemy.Engine) -> None:
        self._database = database
        self._numbers = count()

    def path(self, parameters: Any) -> Any:
        if not isinstance(parameters, dict):
            return parameters
        kinds = {"job_id": Job, "webhook_id": Webhook, "delivery_id": Delivery}
        return {name: self._known(kinds[name], value) if name in kinds else value for name, value in parameters.items()}

    def body(self, body: Any) -> Any:
        number = next(self._numbers)
        if number % 3 == 0:
            return body
        # Only into what is right: what is wrong must stay so.
        if any(holds(model, body) for model in (JobRequest, BatchRequest)) and isinstance(body["scenario"], str):
            return {**body, "scenario": "golden-toy", "patches": []}
        return {"url": f"https://example.org/{number}"} if holds(WebhookRequest, body) else body

    def _known(self, table: Any, value: Any) -> Any:
        number = next(self._numbers)
        with Session(self._database) as session:
            ids = session.exec(select(table.id).order_by(col(table.id)).limit(50)).all()
        return ids[number % len(ids)] if ids and number % 3 else value


@pytest.fixture
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, SolvedAfterwards]]:
    """The description of an application, and the application."""
    database, engine = new_database(tmp_path_factory.mktemp("contract")), InlineEngine()
    Worker(database, engine, solve_at_once).start(slots=1)
    app = SolvedAfterwards(create_app(Settings(max_body_mb=1), database=database, engine=engine), engine)
    description = schemathesis.openapi.from_asgi("/openapi.json", app, config=CONFIG)
    truth = Truth(database)

    @description.hook
    def map_path_parameters(context: Any, path_parameters: Any) -> Any:
        return truth.path(path_parameters)

    @description.hook
    def map_body(context: Any, body: Any) -> Any:
        return truth.body(body)

    yield description, app
    database.dispose()


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_answer_is_one_that_the_description_promises(
    service: tuple[Any, SolvedAfterwards], mode: GenerationMode
) -> None:
    description, app = service
    for result in description.get_all_operations():

        @given(result.ok().as_strategy(generation_mode=mode))
        @BOUNDED
        def check(case: schemathesis.Case) -> None:
            case.call_and_validate()

        try:
            check()
        except Unsatisfiable:
            # Nothing that could be sent to it would be wrong.
            assert mode is GenerationMode.NEGATIVE
    wanted = {200, 202, 204, 404, 422} if mode is GenerationMode.POSITIVE else {404, 422}
    assert wanted <= set(app.answers)


@pytest.mark.slow
def test_so_is_every_answer_within_a_sequence_of_requests(service: tuple[Any, SolvedAfterwards]) -> None:
    description, app = service
    description.as_state_machine().run(settings=BOUNDED)
    assert {200, 202, 404} <= set(app.answers)
