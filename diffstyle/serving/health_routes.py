"""`/healthz`, `/readyz` and `/metrics`, for whoever runs the server."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, Response

from diffstyle.serving.service import Service


class HealthRoutes:
    """The routes that say how the server is."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def healthz(self) -> Response:
        """200 as long as the server answers."""
        return JSONResponse({"status": "ok"})

    def readyz(self) -> Response:
        """200 when the models are loaded and the server takes requests, else 503."""
        state = "stopping" if self.service.draining.is_set() else "ready" if self.service.ready else "loading"
        return JSONResponse({"status": state}, 200 if self.service.ready else 503)

    def metrics(self) -> Response:
        """Metrics in the text format of Prometheus."""
        return Response(self.service.metrics.text(), media_type=CONTENT_TYPE_LATEST)
