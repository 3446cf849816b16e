"""What other programs show of a link to the page: title, description, a picture, and an icon."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

from gradio import routes
from jinja2 import BaseLoader, Environment
from PIL import Image, ImageOps
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from diffstyle import StyleSpace

TITLE = "diffstyle"
DESCRIPTION = "Describe how a photo should look, and see a preview at once."
PICTURE = "/link-picture.jpg"
ICON = Path(__file__).parent / "icon.svg"
SIZE = (1200, 630)  # what the previews of most programs have
COLUMNS, ROWS, GAP, GROUND = 4, 3, 6, "#161412"
STYLES = (  # those that differ most, so that neighbours do
    *("van-gogh-irises", "ink-line", "stained-glass", "klimt-gold", "blueprint", "watercolour", "pop-art", "charcoal"),
    *("neon", "mosaic", "ukiyo-e", "halftone"),
)
_TEMPLATE = "frontend/index.html"
_META = re.compile(r"""<meta\s+(property="og:|name="twitter:)[^>]*>\s*""")


class LinkPicture:
    """A photo in many named styles side by side, as a JPEG; put together once, when it is asked for."""

    def __init__(self, space: StyleSpace) -> None:
        self._space, self._lock = space, Lock()

    def answer(self, request: Request) -> Response:
        """The picture, for the route `PICTURE`."""
        del request
        with self._lock:
            data = self._data
        return Response(data, media_type="image/jpeg", headers={"cache-control": "public, max-age=86400"})

    @cached_property
    def _data(self) -> bytes:
        sheet = Image.new("RGB", SIZE, GROUND)
        named = [self._space.styles[name] for name in STYLES if name in self._space.styles]
        others = [style for name, style in self._space.styles.items() if name not in STYLES]
        width, height = SIZE[0] // COLUMNS, SIZE[1] // ROWS
        for n, style in enumerate([*named, *others][: COLUMNS * ROWS]):
            with Image.open(io.BytesIO(style.thumbnail)) as image:
                tile = ImageOps.fit(image.convert("RGB"), (width - GAP, height - GAP), Image.Resampling.LANCZOS)
            row, column = divmod(n, COLUMNS)
            sheet.paste(tile, (column * width + GAP // 2, row * height + GAP // 2))
        buffer = io.BytesIO()
        sheet.save(buffer, "JPEG", quality=88)
        return buffer.getvalue()


def describe_page() -> None:
    """Replace what Gradio's page says about itself to other programs."""
    env: Environment = routes.templates.env
    if env.loader is not None and not isinstance(env.loader, _Described):
        env.loader = _Described(env.loader)
        if env.cache is not None:
            env.cache.clear()


def serve_picture(app: Any, space: StyleSpace) -> None:
    """Serve the picture of link previews, before the routes of Gradio, which take every name."""
    app.router.routes.insert(0, Route(PICTURE, LinkPicture(space).answer))


class _Described(BaseLoader):
    """Templates of another loader, of which the page's has our tags."""

    def __init__(self, inner: BaseLoader) -> None:
        self._inner = inner

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, Callable[[], bool] | None]:
        source, name, fresh = self._inner.get_source(environment, template)
        if template == _TEMPLATE:
            source = _META.sub("", source).replace("<head>", f"<head>{_tags()}", 1)
        return source, name, fresh


def _tags() -> str:
    """The tags; addresses are whole, as most programs want them, and end in what the server sees of its own."""
    picture = f"{{{{ config['root'] }}}}{PICTURE}"
    named = {
        "og:type": "website",
        "og:title": TITLE,
        "og:description": DESCRIPTION,
        "og:url": "{{ config['root'] }}",
        "og:image": picture,
        "og:image:width": str(SIZE[0]),
        "og:image:height": str(SIZE[1]),
        "og:image:alt": "One photo of a cat in twelve styles",
    }
    tags = [f'<meta property="{name}" content="{html.escape(text, quote=False)}" />' for name, text in named.items()]
    tags += ['<meta name="twitter:card" content="summary_large_image" />']
    tags += [f'<meta name="description" content="{DESCRIPTION}" />']
    tags += ['<link rel="icon" type="image/svg+xml" href="./favicon.ico" />']
    return "".join(tags)
