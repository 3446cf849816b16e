"""The HTTP application: its routes, its errors, and what OpenAPI says of them."""

from __future__ import annotations

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from diffstyle._version import __version__
from diffstyle.core.errors import InputError
from diffstyle.serving import api_docs
from diffstyle.serving.access import Access
from diffstyle.serving.api_errors import UNEXPECTED, ApiError, invalid
from diffstyle.serving.docs_page import add_docs_page
from diffstyle.serving.edit_routes import EditRoutes
from diffstyle.serving.fair_queue import Closed
from diffstyle.serving.health_routes import HealthRoutes
from diffstyle.serving.job_routes import JobRoutes
from diffstyle.serving.jobs import Jobs
from diffstyle.serving.model_routes import ModelRoutes
from diffstyle.serving.painting import stopping
from diffstyle.serving.quick_routes import QuickRoutes
from diffstyle.serving.service import Service
from diffstyle.serving.style_routes import StyleRoutes

_KEY = HTTPBearer(auto_error=False, description="An API key; none is needed if the server has no keys.")
"""Tells OpenAPI of the key, which `Access` checks."""


def application(service: Service, jobs: Jobs | None = None, *, names: tuple[str, ...] = ()) -> ASGIApp:
    """The routes of `service` and `jobs`, which answer to the host `names` too."""
    app = FastAPI(
        title="diffstyle",
        version=__version__,
        description=api_docs.ABOUT,
        redoc_url=None,
        docs_url=None,
        swagger_ui_oauth2_redirect_url=None,
        dependencies=[Depends(_KEY)],
    )
    add_docs_page(app)
    _add_openai(app, service)
    _add_styles(app, service)
    _add_pictures(app, service)
    _add_jobs(app, jobs)
    _add_health(app, service)
    for kind in (ApiError, InputError, HTTPException, RequestValidationError, Closed, Exception):
        app.add_exception_handler(kind, _answered)
    return Access(app, service, names=names)


def _add_openai(app: FastAPI, service: Service) -> None:
    edits, models = EditRoutes(service), ModelRoutes(service)
    app.add_api_route(
        "/v1/images/edits",
        edits.edit,
        methods=["POST"],
        tags=["OpenAI"],
        response_model=None,
        openapi_extra=api_docs.form(api_docs.edit_fields()),
        responses=api_docs.EDIT_RESPONSES,
    )
    app.add_api_route("/v1/models", models.models, tags=["OpenAI"])
    app.add_api_route("/v1/models/{model_id:path}", models.model, tags=["OpenAI"])


def _add_styles(app: FastAPI, service: Service) -> None:
    styles = StyleRoutes(service)
    app.add_api_route("/v1/styles", styles.styles, tags=["Styles"], responses=api_docs.STYLES_RESPONSES)
    app.add_api_route(
        "/v1/styles",
        styles.make,
        methods=["POST"],
        tags=["Styles"],
        response_model=None,
        openapi_extra=api_docs.form(api_docs.mix_fields("name", "licence"), required=()),
        responses=api_docs.ERRORS,
    )
    app.add_api_route(
        "/v1/styles/nearest",
        styles.nearest,
        methods=["POST"],
        tags=["Styles"],
        response_model=None,
        openapi_extra=api_docs.form(api_docs.mix_fields("k"), required=()),
        responses=api_docs.STYLES_RESPONSES,
    )
    app.add_api_route("/v1/styles/{name}", styles.style, tags=["Styles"])
    app.add_api_route("/v1/styles/{name}/thumbnail", styles.thumbnail, tags=["Styles"], response_model=None)


def _add_pictures(app: FastAPI, service: Service) -> None:
    quick = QuickRoutes(service)
    for method, fields in ((quick.preview, api_docs.look_fields()), (quick.replay, api_docs.replay_fields())):
        app.add_api_route(
            f"/v1/{method.__name__}",
            method,
            methods=["POST"],
            tags=["Pictures"],
            response_model=None,
            openapi_extra=api_docs.form(fields),
            responses=api_docs.PICTURE_RESPONSES,
        )


def _add_jobs(app: FastAPI, jobs: Jobs | None) -> None:
    routes = JobRoutes(jobs)
    app.add_api_route(
        "/v1/jobs",
        routes.create,
        methods=["POST"],
        tags=["Jobs"],
        status_code=202,
        response_model=None,
        openapi_extra=api_docs.form(api_docs.look_fields() | api_docs.number_field()),
        responses=api_docs.JOB_RESPONSES,
    )
    app.add_api_route("/v1/jobs", routes.all, tags=["Jobs"])
    app.add_api_route("/v1/jobs/{job_id}", routes.state, tags=["Jobs"], responses=api_docs.JOB_RESPONSES)
    app.add_api_route(
        "/v1/jobs/{job_id}/result",
        routes.result,
        tags=["Jobs"],
        response_model=None,
        responses=api_docs.PICTURE_RESPONSES,
    )
    app.add_api_route("/v1/jobs/{job_id}", routes.delete, methods=["DELETE"], tags=["Jobs"])


def _add_health(app: FastAPI, service: Service) -> None:
    health = HealthRoutes(service)
    for path in ("healthz", "readyz", "metrics"):
        app.add_api_route(f"/{path}", getattr(health, path), tags=["Operation"], response_model=None)


def _answered(_: Request, error: Exception) -> Response:
    """An error in the shape of all others."""
    if isinstance(error, ApiError):
        return error.response()
    if isinstance(error, InputError):
        return invalid(error).response()
    if isinstance(error, Closed):
        return stopping().response()
    if isinstance(error, RequestValidationError):
        problem = error.errors()[0]
        field = str(problem["loc"][-1])
        return ApiError(400, f"{field} cannot be used: {str(problem['msg']).lower()}.", param=field).response()
    if not isinstance(error, HTTPException):
        return ApiError(500, UNEXPECTED).response()  # and then it is raised again, and logged
    status = error.status_code
    said = {404: "There is no such address: /docs lists them.", 405: "This address does not take that method."}
    return ApiError(status, said.get(status, "The request cannot be answered.")).response()
