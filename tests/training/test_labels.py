"""What is known of a training picture: from its source, its construction, its pixels."""

from __future__ import annotations

import numpy as np
import pytest

from diffstyle.data.captions import Facts
from diffstyle.data.procedural import MEDIA
from diffstyle.training.clip.labels import artist_name, constructed, labelled, measured, together


@pytest.mark.parametrize("medium", MEDIA)
def test_a_rendering_is_in_one_medium(medium: str) -> None:
    facts = constructed(medium, (medium, "fine"))
    assert len(facts.values("medium")) == 1
    assert facts.values("grain") == ["fine"]
    assert not facts.true & facts.false


def test_labels_of_art() -> None:
    label = {"kind": "art", "artist": "GOGH, Vincent van", "year": "1889", "movement": "Post Impressionism"}
    facts = labelled(label | {"medium": "Oil on canvas"})
    wanted = {("artist", "Vincent van Gogh"), ("century", "19"), ("movement", "Post-Impressionism")}
    assert wanted | {("medium", "oil painting")} == facts.true
    assert ("movement", "Baroque") in facts.false
    assert ("medium", "photograph") in facts.false
    assert ("medium", "oil dabs") not in facts.false  # alike: unknown
    assert labelled({"kind": "photo"}).values("medium") == ["photograph"]
    assert artist_name("Martín de Soria") == "Martín de Soria"
    assert artist_name("Attributed to Anthony van Dyck") == "Anthony van Dyck"
    scenery = labelled({"kind": "art", "medium": "pixel art"})
    assert not scenery.values("medium")
    assert ("medium", "pixel art") not in scenery.false
    assert ("medium", "woodcut") in scenery.false


def test_renderings_are_told_apart_and_may_be_called_as_art_is() -> None:
    false = constructed("oil dabs", ("oil dabs",)).false
    assert ("medium", "oil painting") not in false
    assert ("medium", "pointillism") in false
    assert ("medium", "halftone") in constructed("pop art", ("pop art",)).false


def test_measured_facts() -> None:
    dark = np.full((32, 32, 3), (20, 32, 84), np.uint8)
    facts = together(measured(dark), Facts(frozenset({("medium", "woodcut")}), frozenset()))
    assert {("colour", "navy blue"), ("colour", "blue"), ("tone", "dark")} <= facts.true
    assert ("tone", "light") in facts.false
    assert not facts.true & facts.false
