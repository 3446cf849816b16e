"""Finds open_clip models: the starter's, a folder, a file, or a name and tag in the Hugging Face cache."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from diffstyle.assets.manifest import verified, weights_folder
from diffstyle.core.errors import InputError
from diffstyle.formats.atomic import fingerprint
from diffstyle.formats.safetensors import read_state

STARTER = "starter"
CHECKPOINTS = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_model.bin",
    "open_clip_model.pt",
)
CONFIG = "open_clip_config.json"
VOCABULARY = "bpe_vocabulary.txt.gz"
BRIDGE = "bridge.safetensors"
STARTER_FILES = (CHECKPOINTS[0], CONFIG, VOCABULARY, BRIDGE)
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class EncoderSource:
    """An open_clip model on this machine.

    `space` names its embedding space, `architecture` is the name for open_clip.create_model, `weights` the checkpoint,
    `vocabulary` a byte-pair vocabulary of its own and `bridge` a trained bridge. `quick_gelu` and `preprocess` are
    properties of a pretrained tag that its architecture does not determine.
    """

    space: str
    architecture: str
    weights: Path
    vocabulary: Path | None = None
    bridge: Path | None = None
    quick_gelu: bool = False
    preprocess: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)


def find(name: str | Path, *, download: bool = False) -> EncoderSource:
    """The model called `name`; InputError if it is not on this machine.

    `name` is `starter`, a folder with open_clip_config.json, a checkpoint file, or ARCHITECTURE/TAG as open_clip names
    them. Nothing is downloaded unless `download` is true.
    """
    if str(name) == STARTER:
        return _starter()
    path = Path(name)
    if path.is_dir():
        return _folder(path)
    if path.is_file():
        return EncoderSource(f"open_clip-{fingerprint(path)}", architecture_of(path), path)
    return _tagged(str(name), download=download)


def _starter() -> EncoderSource:
    digests = [verified(f"starter/clip/{n}")[1] for n in STARTER_FILES]
    folder = weights_folder() / "starter" / "clip"
    joined = hashlib.sha256("".join(digests).encode()).hexdigest()
    return EncoderSource(
        f"starter-{joined[:12]}",
        f"local-dir:{folder}",
        folder / STARTER_FILES[0],
        vocabulary=folder / VOCABULARY,
        bridge=folder / BRIDGE,
    )


def _folder(path: Path) -> EncoderSource:
    weights = [path / name for name in CHECKPOINTS if (path / name).is_file()]
    if not (path / CONFIG).is_file() or not weights:
        raise InputError(f"Cannot use {path}: an open_clip folder holds {CONFIG} and open_clip_model.safetensors.")
    vocabulary, bridge = path / VOCABULARY, path / BRIDGE
    return EncoderSource(
        f"open_clip-{fingerprint(weights[0])}",
        f"local-dir:{path}",
        weights[0],
        vocabulary=vocabulary if vocabulary.is_file() else None,
        bridge=bridge if bridge.is_file() else None,
    )


def _tagged(name: str, *, download: bool) -> EncoderSource:
    import open_clip
    from huggingface_hub import try_to_load_from_cache

    architecture, _, tag = name.rpartition("/")
    known = cast("dict[str, Any]", open_clip.get_pretrained_cfg(architecture, tag)) if architecture else {}
    if not known:
        raise InputError(
            f"There is no encoder {name!r}: give starter, a folder, a checkpoint file, or a name and tag of open_clip"
            " such as ViT-H-14/laion2b_s32b_b79k."
        )
    space = f"{architecture}/{tag.lower().replace('-', '_')}"
    has_quick_gelu = bool(cast("dict[str, Any]", open_clip.get_model_config(architecture)).get("quick_gelu"))
    preprocess = {k: known[k] for k in ("mean", "std", "interpolation", "resize_mode") if k in known}
    traits = (None, None, bool(known.get("quick_gelu")) and not has_quick_gelu, MappingProxyType(preprocess))
    if download:
        try:
            return EncoderSource(space, architecture, Path(cast("str", open_clip.download_pretrained(known))), *traits)
        except Exception as error:  # the hub's client raises a dozen kinds
            raise InputError(f"Cannot download {name}: check the network, or give its folder or file.") from error
    repository, _, file = str(known.get("hf_hub", "")).rpartition("/")
    candidates = [file] if file else ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"]
    for candidate in candidates:
        found = try_to_load_from_cache(repository, candidate) if repository else None
        if isinstance(found, str):
            return EncoderSource(space, architecture, Path(found), *traits)
    raise InputError(
        f"The encoder {name} is not on this machine: `hf download {repository} {candidates[0]}` fetches it,"
        " or give its folder or file."
    )


def architecture_of(path: Path) -> str:
    """open_clip's name of the architecture with the widths and depths of a checkpoint's tensors.

    Of architectures that differ only in what tensors do not show (QuickGELU) it is the plain one. InputError if there
    is none.
    """
    import open_clip

    state = read_state(path)
    try:
        shapes = {k: tuple(state[k].shape) for k in ("text_projection", "token_embedding.weight")}
        depth = 1 + max(int(k.split(".")[2]) for k in state if k.startswith("transformer.resblocks."))
    except (KeyError, ValueError) as error:
        raise InputError(f"Cannot use {path}: it is not an open_clip checkpoint; give its folder instead.") from error
    patches = state.get("visual.conv1.weight")
    layers = {k.split(".")[3] for k in state if k.startswith("visual.transformer.resblocks.")}
    for name in cast("list[str]", open_clip.list_models()):
        config = cast("dict[str, Any]", open_clip.get_model_config(name))
        vision, text = config["vision_cfg"], config["text_cfg"]
        same_text = (text.get("width"), config["embed_dim"]) == shapes["text_projection"]
        same_text &= (text.get("vocab_size"), text.get("width")) == shapes["token_embedding.weight"]
        if patches is None or not same_text or text.get("layers") != depth or "timm_model_name" in vision:
            continue
        grid = state["visual.positional_embedding"].shape[0] - 1 if "visual.positional_embedding" in state else 0
        side = int(vision.get("image_size", 224))
        sized = (side // int(vision.get("patch_size", 16))) ** 2 == grid
        shape = (vision.get("width"), 3, vision.get("patch_size"), vision.get("patch_size"))
        if tuple(patches.shape) == shape and vision.get("layers") == len(layers) and sized:
            return name
    raise InputError(f"Cannot use {path}: no open_clip architecture has tensors like these; give its folder instead.")
