"""Numbers for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from lodeplan.service.api.dependencies import allow_operator
from lodeplan.service.telemetry.metrics import exposition

router = APIRouter(tags=["health"], dependencies=[Depends(allow_operator)])


@router.get("/metrics", response_class=Response)
def show_metrics(request: Request) -> Response:
    """Return the metrics of this process and of the database in Prometheus's text format."""
    return Response(exposition(request.app.state.database_registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
