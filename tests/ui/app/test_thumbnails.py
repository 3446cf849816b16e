"""Small pictures of a photo in many styles: painted once, kept for a while."""

from __future__ import annotations

from pathlib import Path

import pytest
from diffstyle_ui.app import thumbnails
from diffstyle_ui.app.context import open_context
from diffstyle_ui.app.limits import Limits
from diffstyle_ui.app.sessions import Session
from diffstyle_ui.app.thumbnails import photo_name
from diffstyle_ui.app.uploads import Uploads

from diffstyle import Picture
from diffstyle.core.model_options import ModelOptions


def test_a_thumbnail_is_painted_once_for_a_photo_and_a_style(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_context(ModelOptions(), Limits(), tmp_path / "votes.csv") as context:
        session, other = (Session(tmp_path / name, "somebody", Uploads(tmp_path)) for name in "ab")
        neon, gold = (context.space.styles[name] for name in ("neon", "klimt-gold"))
        first = context.thumbnail(session, neon, "neon")
        assert first != context.thumbnail(session, gold, "klimt-gold")
        painted: list[object] = []
        paint = context.renderer.preview
        monkeypatch.setattr(context.renderer, "preview", lambda task: (painted.append(task), paint(task))[1])  # pyright: ignore
        assert context.thumbnail(session, neon, "neon") == first
        assert context.thumbnail(other, neon, "neon") == first  # the example is everybody's
        assert not painted
        small = Picture.open(context.example.path).resized((60, 40))
        small.to_pil().save(tmp_path / "mine.png")
        session.photo = context.read_photo(tmp_path / "mine.png")
        assert context.thumbnail(session, neon, "neon") != first
        assert len(painted) == 1
        assert context.thumbnail(other, neon, "neon") == first
        monkeypatch.setattr(thumbnails, "MAX_KEPT", 1)
        context.thumbnail(session, gold, "klimt-gold")
        context.thumbnail(session, neon, "neon")
        assert len(painted) == 3


def test_names_of_photos_say_nothing_of_their_files() -> None:
    assert photo_name(Path("/folder/cat.jpg")) != photo_name(Path("/folder/dog.jpg"))
    assert "cat" not in photo_name(Path("/folder/cat.jpg"))
