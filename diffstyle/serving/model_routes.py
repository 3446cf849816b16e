"""`GET /v1/models`: the one model that the server was started with."""

from __future__ import annotations

from typing import Any

from diffstyle._version import __version__
from diffstyle.engines.registry import engine_names, settings_class
from diffstyle.serving.api_errors import ApiError
from diffstyle.serving.service import Service


class ModelRoutes:
    """The routes that say what paints."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def models(self) -> dict[str, Any]:
        """The model, with its engines."""
        return {"object": "list", "data": [self._model()]}

    def model(self, model_id: str) -> dict[str, Any]:
        """One model."""
        if model_id != self.service.options.name:
            said = f"There is no model {model_id[:60]} here: this server has {self.service.options.name}."
            raise ApiError(404, said, param="model", code="model_not_found")
        return self._model()

    def _model(self) -> dict[str, Any]:
        engines = [{"id": name, "title": settings_class(name).title} for name in engine_names()]
        identity = {"id": self.service.options.name, "object": "model", "owned_by": "diffstyle"}
        return identity | {"created": self.service.started, "version": __version__, "engines": engines}
