"""The OpenAPI description: this adds what FastAPI cannot derive by itself."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from lodeplan.schemas.jobs import BatchResult, EventData, Problem
from lodeplan.schemas.webhooks import WebhookMessage
from lodeplan.service.api.examples import PROBLEMS, REQUESTS, answers_of
from lodeplan.service.http.errors import TITLES
from lodeplan.service.http.problems import MEDIA_TYPE
from lodeplan.service.http.views import API
from lodeplan.service.kinds import KINDS

_REFERENCE = "#/components/schemas/{model}"
_ADDED: list[type[BaseModel]] = [BatchResult, EventData, WebhookMessage, Problem]
"""Models of lines in streams, of messages and of errors; `body_of` adds those of bodies."""

_METHODS = ("get", "post", "put", "patch", "delete")


def body_of(*models: type[BaseModel], required: bool = True) -> Any:
    """Build the `requestBody` of a handler that reads its body itself, for `openapi_extra`."""
    _ADDED.extend(model for model in models if model not in _ADDED)
    references = [{"$ref": _REFERENCE.format(model=model.__name__)} for model in models]
    schema = references[0] if len(references) == 1 else {"anyOf": references}
    media_types = ("application/json", "application/yaml")
    return {"requestBody": {"required": required, "content": {kind: {"schema": schema} for kind in media_types}}}


def complete(app: FastAPI, *, login_is_optional: bool) -> None:
    """Complete the app's description with the models above, problems for all errors, and the log-in requirement."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(described(), login_is_optional)
        return app.openapi_schema or described()

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(document: dict[str, Any], login_is_optional: bool) -> None:
    _, definitions = models_json_schema([(model, "validation") for model in _ADDED], ref_template=_REFERENCE)
    schemas = document["components"]["schemas"]
    for name, schema in definitions["$defs"].items():
        schemas.setdefault(name, schema)
    schemas["JobView"]["properties"]["kind"]["enum"] = list(KINDS)
    # Errors of parameters are problems here, not FastAPI's own.
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    document["components"]["examples"] = {
        kind: {"summary": TITLES[kind], "value": example.problem(kind)} for kind, example in PROBLEMS.items()
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in _METHODS:
                _complete_operation(operation, path.startswith(API))
                if login_is_optional and "security" in operation:
                    operation["security"] += [{}]


def _complete_operation(operation: dict[str, Any], in_api: bool) -> None:
    """Add the problems that an operation answers, and examples of its body."""
    operation["responses"].pop("422", None)
    for status, kinds in answers_of(operation["operationId"], in_api).items():
        content: dict[str, Any] = {"schema": {"$ref": _REFERENCE.format(model="Problem")}}
        if kinds:
            content["examples"] = {kind: {"$ref": f"#/components/examples/{kind}"} for kind in kinds}
        operation["responses"][status] = {"description": "A problem (RFC 9457)", "content": {MEDIA_TYPE: content}}
    bodies = REQUESTS.get(operation["operationId"], {})
    for media in operation.get("requestBody", {}).get("content", {}).values() if bodies else ():
        media["examples"] = {name: {"value": value} for name, value in bodies.items()}
