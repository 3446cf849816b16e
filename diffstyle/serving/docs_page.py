"""`/docs`: Swagger UI for the OpenAPI document, with its script and its styles from this server: it works offline."""

from __future__ import annotations

from importlib.resources import files

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

DOCS = "/docs"
FILES = f"{DOCS}/files"
_OPTIONS = {"validatorUrl": None, "persistAuthorization": True, "displayRequestDuration": True, "filter": True}


def add_docs_page(app: FastAPI) -> None:
    """Add the page and its files, which the package fastapi-swagger brings. Addresses are relative, so that it works
    behind a proxy, too.
    """
    own = files("fastapi_swagger") / "resources"
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=f"{app.title} API",
        swagger_js_url=f"{FILES[1:]}/swagger-ui-bundle.js",
        swagger_css_url=f"{FILES[1:]}/swagger-ui.css",
        swagger_favicon_url=f"{FILES[1:]}/favicon-32x32.png",
        swagger_ui_parameters=_OPTIONS,
    )

    def docs() -> HTMLResponse:
        return page

    app.mount(FILES, StaticFiles(directory=str(own)))
    app.add_api_route(DOCS, docs, include_in_schema=False, response_model=None)
