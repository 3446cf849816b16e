"""`diffstyle models`: which models of others there are, where they are, and fetching them."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from diffstyle.core.errors import InputError


def list_models(*, here: Annotated[bool, Parameter(negative=())] = False) -> int:
    """Name every model that diffstyle knows.

    Parameters
    ----------
    here
        Only those on this machine.
    """
    from diffstyle.assets.hub import known_models, size_text, where

    for model in known_models().values():
        there = where(model) is not None
        if there or not here:
            mark = "here" if there else "-"
            size, family = size_text(model.size), model.family or "-"
            print(f"{model.name:26} {model.kind:11} {family:5} {size:>7}  {mark:5} {model.licence}")
    return 0


def pull(name: str, /) -> int:
    """Download a model into the Hugging Face cache, or that of torch, and check it.

    Parameters
    ----------
    name
        A name of `diffstyle models list`.
    """
    from diffstyle.assets.hub import known_model, size_text
    from diffstyle.assets.hub import pull as fetch

    model = known_model(name)
    print(f"{model.url or model.repository}, {size_text(model.size)}, licence: {model.licence}")
    print(fetch(model))
    return 0


def verify(name: str | None = None, /) -> int:
    """Compare what is on this machine with the sha256 it should have. Exit code 1 if something is damaged.

    Parameters
    ----------
    name
        A name of `diffstyle models list`; everything that is here, the starter included, if not given.
    """
    from diffstyle.assets.hub import known_model, known_models, located, where
    from diffstyle.assets.hub import verify as check
    from diffstyle.assets.manifest import manifest, verified

    chosen = [known_model(name)] if name else [m for m in known_models().values() if where(m)]
    damaged = False
    if name is None:
        for file in manifest():
            try:
                verified(file)
            except InputError as error:
                damaged = True
                print(error)
        print(f"starter: {len(manifest())} files {'checked' if damaged else 'whole'}")
    for model in chosen:
        bad = check(model, located(model))
        damaged |= bool(bad)
        print(f"{model.name}: {', '.join(bad) + ' damaged, pull it again' if bad else 'whole'}")
    return int(damaged)


def where_is(name: str, /) -> int:
    """Say in which folder a model is. Exit code 2 if it is not on this machine.

    Parameters
    ----------
    name
        A name of `diffstyle models list`.
    """
    from diffstyle.assets.hub import known_model, located

    print(located(known_model(name)))
    return 0
