"""The old place of `tests.helpers.tiny`."""

from tests.helpers.tiny import *  # noqa: F403
