"""`python -m diffstyle.training`: the recipes of the weights that ship."""

from __future__ import annotations

from pathlib import Path

import torch
from cyclopts import App

from diffstyle.training.starter import StageName

app = App(name="python -m diffstyle.training", help="Train the networks of the starter pack.")


@app.command
def preview(
    data: Path,
    *,
    out: Path = Path("runs/preview"),
    minutes: float = 90.0,
    device: str = "cpu",
    compiled: bool = False,
    renderings: int = 400,
) -> None:
    """Train the preview network, resuming an earlier run; write OUT/preview.safetensors.

    Parameters
    ----------
    data
        Folder of webdataset shards: photo-clean-*.tar, art-clean-*.tar, perceptual/squeezenet1_0.safetensors.
    out
        Folder of the run: preview.pt, preview.csv, sheet.jpg, preview.safetensors.
    minutes
        Length of the whole schedule, earlier runs included.
    device
        Where to train: cpu or cuda.
    compiled
        Compile the losses: a sixth faster on a CPU; needs a C++ compiler.
    renderings
        How many procedural styles to render from the photos.
    """
    from diffstyle.encoders.squeezenet import SqueezeNet
    from diffstyle.formats.atomic import sha256
    from diffstyle.formats.safetensors import write_safetensors
    from diffstyle.training.data import read_shards
    from diffstyle.training.loop import Run
    from diffstyle.training.preview.data import PreviewPictures, render_samples
    from diffstyle.training.preview.train import PreviewRecipe, train_preview

    torch.set_flush_denormal(True)  # halves the time of a step once gradients are small
    photos, art = read_shards(data, "photo-clean-*", "train"), read_shards(data, "art-clean-*", "train")
    pictures = PreviewPictures(photos, art, render_samples(photos, renderings, seed=0))
    teacher = SqueezeNet.load(data / "perceptual" / "squeezenet1_0.safetensors")
    net = train_preview(pictures, teacher, PreviewRecipe(), Run(out, device, compiled=compiled), minutes=minutes)
    trained = out / "preview.safetensors"
    write_safetensors(trained, {k: v.half() for k, v in net.state_dict().items()})
    print(trained, trained.stat().st_size, sha256(trained))


@app.command
def nnst(data: Path, *, out: Path = Path("runs/nnst"), minutes: float = 120.0, seed: int = 0) -> None:
    """Train the painter's decoder, resuming an earlier run; write OUT/decoder.safetensors.

    Parameters
    ----------
    data
        Folder of webdataset shards: photo-clean-*.tar and art-clean-*.tar.
    out
        Folder of the run: nnst.pt, nnst.csv, sheet.png, decoder.safetensors, and the decoded pictures.
    minutes
        Length of the whole schedule, earlier runs included.
    seed
        Seed of the weights and of the crops.
    """
    from diffstyle.formats.atomic import sha256
    from diffstyle.training.nnst.train import train_decoder

    torch.set_flush_denormal(True)
    trained = train_decoder(data, out, minutes=minutes, seed=seed)
    print(trained, trained.stat().st_size, sha256(trained))


@app.command
def styles(data: Path, *, out: Path = Path("weights/starter/styles")) -> None:
    """Measure the named styles; necessary after every change of the preview network.

    Parameters
    ----------
    data
        Folder of webdataset shards with art-clean-*.tar.
    out
        Folder of recipe.toml, where the style files go.
    """
    from diffstyle.training.preview.presets import make_presets

    for path in make_presets(data, out):
        print(path)


@app.command
def atlas(data: Path, *, out: Path = Path("weights/starter/atlas"), only: tuple[str, ...] = ()) -> None:
    """Make the exemplars that words are painted from, and their index.

    Parameters
    ----------
    data
        Folder of webdataset shards with art-clean-*.tar and photo-clean-*.tar.
    out
        Folder of recipe.toml, where the exemplars go.
    only
        Names of the exemplars to make again; the others stay as they are.
    """
    from diffstyle.training.atlas.make import make_atlas

    print(make_atlas(data, out, frozenset(only)))


@app.command
def clip(
    data: Path,
    *,
    out: Path = Path("runs/clip"),
    minutes: float = 75.0,
    device: str = "cpu",
    groups: int = 240,
    start: Path | None = None,
) -> None:
    """Train the starter's CLIP, resuming an earlier run; write the open_clip folder OUT/clip.

    Parameters
    ----------
    data
        Folder of webdataset shards: photo-clean-*.tar, art-clean-*.tar, perceptual/squeezenet1_0.safetensors.
    out
        Folder of the run: pool.npz, clip.pt, clip.csv and the open_clip folder clip/.
    minutes
        Length of the whole schedule, earlier runs included; rendering the pictures comes before.
    device
        Where to train: cpu or cuda.
    groups
        How many groups of four photos are rendered, each in eight procedural styles.
    start
        Folder of an earlier model of this recipe to start from.
    """
    from diffstyle.training.clip.stages import train_clip
    from diffstyle.training.clip.train import ClipRecipe

    torch.set_flush_denormal(True)
    print(train_clip(data, out, ClipRecipe(), minutes=minutes, device=device, groups=groups, start=start))


@app.command
def words(
    data: Path,
    *,
    out: Path = Path("runs/clip-words"),
    minutes: float = 5.0,
    groups: int = 80,
    start: Path | None = None,
) -> None:
    """Train the text tower and the bridge of the starter's CLIP further; its picture tower stays as it is.

    Parameters
    ----------
    data
        Folder of webdataset shards: photo-clean-*.tar, art-clean-*.tar.
    out
        Folder of the run: pool.npz, pictures.safetensors and the open_clip folder clip/.
    minutes
        Length of the training; rendering the pictures and embedding them comes before.
    groups
        How many groups of four photos are rendered, each in eight procedural styles.
    start
        Folder of the model to start from, if it is not the starter's.
    """
    from diffstyle.encoders.source import STARTER, find
    from diffstyle.training.clip.stages import train_text_tower
    from diffstyle.training.clip.words import WordsRecipe

    torch.set_flush_denormal(True)
    start = find(STARTER).weights.parent if start is None else start
    print(train_text_tower(data, out, WordsRecipe(), start=start, minutes=minutes, groups=groups))


@app.command
def stats(run: Path = Path("runs/clip"), *, encoder: Path | None = None) -> None:
    """Train the statistics adapter on the run of the starter's CLIP; write RUN/stats.safetensors.

    Parameters
    ----------
    run
        Folder of the run: pool.npz, embeddings.safetensors.
    encoder
        Folder of the encoder whose embeddings they are, if it is not the starter's.
    """
    from diffstyle.encoders.clip import StyleEncoder
    from diffstyle.training.preview.stats import StatsRecipe, train_stats

    adapter = train_stats(run, StyleEncoder.load(encoder or "starter"), StatsRecipe())
    adapter.save(run / "stats.safetensors")
    print(run / "stats.safetensors")


@app.command
def pairs(data: Path, *, out: Path = Path("runs/pairs"), count: int = 4000, seed: int = 0) -> None:
    """Paint pairs of photo and painting for the diffusion model, going on where an earlier run ended.

    Parameters
    ----------
    data
        Folder of webdataset shards: photo-clean-*.tar and art-clean-*.tar.
    out
        Folder of the webdataset shards that are written, a hundred pairs each.
    count
        How many pairs there are to be.
    seed
        Seed of photos, styles and settings.
    """
    from diffstyle.training.pairs.make import make_pairs

    torch.set_flush_denormal(True)
    print(make_pairs(data, out, count=count, seed=seed))


@app.command
def starter(
    data: Path,
    *,
    stage: StageName,
    out: Path = Path("runs/starter"),
    pairs: Path = Path("runs/pairs"),
    minutes: float = 30.0,
    device: str = "cpu",
    factor: int = 1,
) -> None:
    """Train one stage of the starter's diffusion model, resuming an earlier run.

    `vae` and `polish` train the VAE, `repaint` all else. What has not been trained in OUT is taken from what ships.

    Parameters
    ----------
    data
        Folder of webdataset shards: photo-clean-*.tar, art-clean-*.tar, perceptual/squeezenet1_0.safetensors.
    stage
        vae, polish or repaint; the last writes OUT/diffusion, OUT/adapter and OUT/adapter-marks.
    out
        Folder of the run: a checkpoint and a log for each stage.
    pairs
        Folder of the pairs that `repaint` learns from; the command `pairs` makes them.
    minutes
        Length of the stage's whole schedule, earlier runs included.
    device
        Where to train: cpu or cuda.
    factor
        Multiplies the batches, which suit a CPU: 8 fills a large GPU.
    """
    from diffstyle.training.starter.stages import train_stage

    torch.set_flush_denormal(True)
    print(train_stage(stage, data, out, minutes=minutes, device=device, pairs=pairs, factor=factor))


if __name__ == "__main__":
    app()
