"""The HTTP server as replicas on a Ray cluster: `serve run diffstyle.serving.ray_app:app`, with options as KEY=VALUE.

Each replica answers by the same application as `diffstyle serve`, with models of its own. Ray Serve starts replicas
when requests wait, and stops them when there are few.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from pydantic import BaseModel, Field, ValidationError, field_validator
from ray import serve
from starlette.types import ASGIApp

from diffstyle.core.errors import InputError
from diffstyle.core.model_options import ModelOptions
from diffstyle.serving.api_keys import ApiKeys
from diffstyle.serving.application import application
from diffstyle.serving.limits import ServerLimits
from diffstyle.serving.service import open_service

NAME = "diffstyle"


class ReplicaOptions(BaseModel, extra="forbid"):
    """What `app` takes: the options of `diffstyle serve` that make sense for many replicas, and those of autoscaling.

    API keys come from the variable DIFFSTYLE_API_KEYS of the replicas. `max_per_key` and `rate` hold for each replica;
    without the former one key may use all, so that replicas are added for it too.
    """

    model: str = "starter"
    adapter: list[str] = Field(default_factory=list)
    controlnet: list[str] = Field(default_factory=list)
    lora: list[str] = Field(default_factory=list)
    device: str | None = None
    allowed_host: list[str] = Field(default_factory=list)
    max_pixels: int = Field(50_000_000, ge=1)
    max_upload_mb: int = Field(50, ge=1)
    max_seconds: int = Field(600, ge=1)
    max_per_key: int | None = Field(None, ge=1)
    rate: int | None = Field(None, ge=1)
    min_replicas: int = Field(1, ge=0)
    max_replicas: int = Field(4, ge=1)
    target_ongoing_requests: float = Field(2, gt=0)
    max_ongoing_requests: int = Field(8, ge=1)
    max_queued_requests: int = Field(64, ge=-1)
    upscale_delay_s: float = Field(10, ge=0)
    downscale_delay_s: float = Field(300, ge=0)
    num_cpus: float = Field(1, ge=0)
    num_gpus: float = Field(0, ge=0)

    @field_validator("adapter", "controlnet", "lora", "allowed_host", mode="before")
    @classmethod
    def _split(cls, given: object) -> object:
        """A list as KEY=VALUE has it, with commas; other values as they are."""
        return [part.strip() for part in given.split(",") if part.strip()] if isinstance(given, str) else given

    @property
    def model_options(self) -> ModelOptions:
        """The model of each replica."""
        return ModelOptions(
            model=self.model,
            adapter=tuple(self.adapter),
            controlnet=tuple(self.controlnet),
            lora=tuple(self.lora),
            device=self.device,
        )

    @property
    def limits(self) -> ServerLimits:
        """What one request may ask of a replica."""
        return ServerLimits(
            max_pixels=self.max_pixels,
            max_upload_mb=self.max_upload_mb,
            max_seconds=self.max_seconds,
            queue_size=self.max_ongoing_requests,
        )


def app(args: Mapping[str, object]) -> serve.Application:
    """The application for `serve run` and `serve deploy`; `args` are `ReplicaOptions`.

    A replica renders one picture at a time, so with `target_ongoing_requests` of 2 another one waits for each that is
    painted. Ray Serve keeps `max_queued_requests` more, and answers 503 beyond. InputError for options that are unknown
    or out of range.
    """
    options = checked(args)
    deployment: Any = serve.deployment(  # pyright: ignore[reportUnknownVariableType]
        name=NAME,
        max_ongoing_requests=options.max_ongoing_requests,
        max_queued_requests=options.max_queued_requests,
        autoscaling_config={
            "min_replicas": options.min_replicas,
            "initial_replicas": max(1, options.min_replicas),
            "max_replicas": options.max_replicas,
            "target_ongoing_requests": options.target_ongoing_requests,
            "upscale_delay_s": options.upscale_delay_s,
            "downscale_delay_s": options.downscale_delay_s,
        },
        ray_actor_options={"num_cpus": options.num_cpus, "num_gpus": options.num_gpus},
        graceful_shutdown_timeout_s=options.max_seconds,
    )
    return deployment(serve.ingress(replica(options))()).bind()


def checked(args: Mapping[str, object]) -> ReplicaOptions:
    """`args` as options. InputError for the first that is unknown, or has a value that it cannot have."""
    try:
        return ReplicaOptions.model_validate(args)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or "the options"
        said = "there is no such option" if first["type"] == "extra_forbidden" else str(first["msg"]).rstrip(".")
        raise InputError(f"Cannot use {name}: {said[:1].lower()}{said[1:]}.") from None


def replica(options: ReplicaOptions) -> Callable[[], ASGIApp]:
    """A function that makes the application of one replica, with its models loaded."""

    def make() -> ASGIApp:
        stack = ExitStack()
        atexit.register(stack.close)
        keys = ApiKeys.read(None)
        share = options.max_per_key or options.max_ongoing_requests + 1
        service = stack.enter_context(
            open_service(options.model_options, options.limits, keys, per_key=share, rate=options.rate)
        )
        service.load()
        return application(service, names=tuple(options.allowed_host))

    return make
