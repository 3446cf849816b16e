"""The part of InvokeAI's API for nodes that plugins/invokeai uses: README.md says what it is."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import Enum
from inspect import signature
from typing import Any, ClassVar, TypeVar

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticUndefined

__all__ = [
    "BaseInvocation",
    "BaseInvocationOutput",
    "ImageField",
    "ImageOutput",
    "InputField",
    "InvocationContext",
    "UIComponent",
    "WithBoard",
    "WithMetadata",
    "invocation",
]


class UIComponent(str, Enum):
    """Widgets."""

    None_ = "none"
    Textarea = "textarea"
    Slider = "slider"


class ImageField(BaseModel):
    """An image by its name."""

    image_name: str


class WithMetadata(BaseModel):
    """A node whose images have metadata."""

    metadata: dict[str, Any] | None = None


class WithBoard(BaseModel):
    """A node whose images go to a board."""

    board: str | None = None


def InputField(
    default: Any = PydanticUndefined,
    *,
    description: str | None = None,
    ge: float | None = None,
    le: float | None = None,
    ui_component: UIComponent | None = None,
) -> Any:
    """An input, which may be left out until the node runs, for a connection may give it."""
    extra: dict[str, Any] = {
        "ui_component": ui_component,
        "orig_required": default is PydanticUndefined,
    }
    value = None if default is PydanticUndefined else default
    return Field(default=value, description=description, ge=ge, le=le, json_schema_extra=extra)


class BaseInvocationOutput(BaseModel):
    """What a node puts out."""


class ImageOutput(BaseInvocationOutput):
    """An image, and its size."""

    image: ImageField
    width: int
    height: int

    @classmethod
    def build(cls, image_dto: ImageDTO) -> ImageOutput:
        return cls(image=ImageField(image_name=image_dto.image_name), width=image_dto.width, height=image_dto.height)


class ImageDTO(BaseModel):
    """What is known of a saved image."""

    image_name: str
    width: int
    height: int


class ImagesInterface:
    """The images, which the tests look into."""

    def __init__(self) -> None:
        self.kept: dict[str, Image.Image] = {}

    def get_pil(self, image_name: str, mode: str | None = None) -> Image.Image:
        found = self.kept[image_name]
        return found.convert(mode) if mode and mode != found.mode else found.copy()

    def save(self, image: Image.Image) -> ImageDTO:
        name = f"{len(self.kept)}.png"
        self.kept[name] = image
        return ImageDTO(image_name=name, width=image.width, height=image.height)


class UtilInterface:
    """Progress, which the tests look into, and whether the session is cancelled."""

    def __init__(self) -> None:
        self.told: list[tuple[str, float | None, Image.Image | None, tuple[int, int] | None]] = []
        self.canceled = False

    def is_canceled(self) -> bool:
        return self.canceled

    def signal_progress(
        self,
        message: str,
        percentage: float | None = None,
        image: Image.Image | None = None,
        image_size: tuple[int, int] | None = None,
    ) -> None:
        self.told.append((message, percentage, image, image_size))


class InvocationContext:
    """What a node may use."""

    def __init__(self) -> None:
        self.images, self.util = ImagesInterface(), UtilInterface()


class BaseInvocation(ABC, BaseModel):
    """A node. `registered` are all, by their types."""

    registered: ClassVar[dict[str, type[BaseInvocation]]] = {}
    config: ClassVar[dict[str, Any]] = {}
    model_config = ConfigDict(validate_assignment=True)

    id: str = "node"
    is_intermediate: bool | None = False
    use_cache: bool | None = True

    @abstractmethod
    def invoke(self, context: InvocationContext) -> BaseInvocationOutput: ...

    def invoke_internal(self, context: InvocationContext) -> BaseInvocationOutput:
        """Run the node; every input that it needs must be there."""
        for name, field in type(self).model_fields.items():
            extra = field.json_schema_extra
            if isinstance(extra, dict) and extra.get("orig_required") and getattr(self, name) is None:
                raise ValueError(f"Node {self.id} missing value or connection for field {name}")
        return self.invoke(context)


N = TypeVar("N", bound=BaseInvocation)


def invocation(
    invocation_type: str,
    title: str | None = None,
    tags: list[str] | None = None,
    category: str | None = None,
    version: str | None = None,
    use_cache: bool | None = True,
) -> Callable[[type[N]], type[N]]:
    """Register a node."""

    def wrapper(cls: type[N]) -> type[N]:
        assert re.fullmatch(r"\S+", invocation_type), "a type has no spaces"
        assert invocation_type not in BaseInvocation.registered, f"{invocation_type} already exists"
        assert version is None or re.fullmatch(r"\d+\.\d+\.\d+", version), "a version is semver"
        output = signature(cls.invoke).return_annotation
        assert issubclass(output, BaseInvocationOutput), "the node says no output"
        cls.config = {"title": title, "tags": tags, "category": category, "version": version, "use_cache": use_cache}
        BaseInvocation.registered[invocation_type] = cls
        return cls

    return wrapper
