"""One served page for all tests of the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gradio_client import Client

from tests.helpers.page_client import connect
from tests.helpers.serving import ServedPage, serving

QUEUE_SIZE = 8
MAX_UPLOAD_MB = 2
LIMITS = ("--max-pixels", 400_000, "--max-upload-mb", MAX_UPLOAD_MB, "--queue-size", QUEUE_SIZE)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedPage]:
    """`diffstyle ui` with low limits; it must leave no file behind."""
    with serving(tmp_path_factory.mktemp("page"), *LIMITS) as page:
        yield page
    left = [str(path.relative_to(page.temporary)) for path in page.temporary.rglob("*") if path.is_file()]
    assert not left, f"the server has left files behind: {', '.join(left)}"


@pytest.fixture(scope="session")
def client(served: ServedPage) -> Iterator[Client]:
    """A client of the served page."""
    client = connect(served)
    yield client
    client.close()
