"""Links to the page: what they ask for, how they are written, and what other programs show of them."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from diffstyle_ui.app.context import open_context
from diffstyle_ui.app.histories import KEEP_SECONDS
from diffstyle_ui.app.limits import Limits
from diffstyle_ui.app.link_preview import PICTURE, SIZE
from diffstyle_ui.app.links import WORDS, Linked, link_for, link_words, read_link
from diffstyle_ui.app.parts import part_from_words, part_of
from diffstyle_ui.widgets.settings_form import EVERYTHING, ONLY
from diffstyle_ui.widgets.style_rows import MAX_ROWS, StylePart
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from diffstyle import Settings, Style
from diffstyle.assets.zoo import style_files
from diffstyle.core.model_options import ModelOptions
from tests.helpers.serving import ServedPage


def read(query: str) -> Linked:
    return read_link(parse_qsl(query.removeprefix("?"), keep_blank_values=True))


def test_a_link_has_styles_weights_and_settings() -> None:
    found = read("style=van-gogh-irises:0.5&style=pale%20watercolour&strength=0.7&seed=5&colour=keep&stroke=2&utm=x")
    assert found.styles == (("van-gogh-irises", 0.5), ("pale watercolour", 1.0))
    assert found.settings == Settings(strength=0.7, seed=5, colour="keep", stroke=2)
    assert set(found.given) == {"strength", "seed", "colour", "stroke"}
    assert not found.problems
    assert read("").empty
    assert read("__theme=dark&size=99999").empty


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("strength=7", "strength is 7.0: give a number from 0 to 1."),
        ("strength=nan", "strength is nan"),
        ("strength=0,7", "give a number"),
        ("strength=", "give a number"),
        ("seed=1.5", "give a whole number"),
        ("seed=-1", "give a whole number"),
        (f"seed={'9' * 5000}", "whole number"),
        ("colour=red", "give one of off, keep, match, palette"),
        ("style=", "is empty"),
        ("style=:0.5", "is empty|Cannot read"),
        ("style=neon:0,5", "Cannot read the weight"),
        ("style=neon:50%25", "Cannot read the weight"),
        ("style=neon=0.5", "Cannot read the weight"),
        ("style=van-gogh-irisis", "did you mean van-gogh-irises"),
        ("style=preset:nothing", "no style called"),
        ("style=image:/etc/passwd", "cannot be in a link"),
        ("only=sea", "only is sea: give one of everything"),
        ("style=adapter:mine", "cannot be in a link"),
        (f"style={'a' * 2000}", "at most 1000"),
        ("&".join(f"style=style+{n}" for n in range(MAX_ROWS + 2)), "more than"),
    ],
)
def test_a_bad_value_gets_one_sentence_and_is_left_out(query: str, sentence: str) -> None:
    found = read(f"{query}&structure=0.25")
    (problem,) = found.problems
    assert re.search(sentence, problem)
    assert problem[-1] in ".?"
    assert found.given == ("structure",)
    assert len(found.styles) in (0, MAX_ROWS)


SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "strength": st.floats(0, 1, allow_subnormal=False),
        "structure": st.floats(0, 1, allow_subnormal=False),
        "seed": st.integers(0, 2**63 - 1),
        "colour": st.sampled_from(["off", "keep", "match", "palette"]),
        "stroke": st.none() | st.floats(0.1, 4),
    },
)
STYLES = st.lists(st.sampled_from(sorted(style_files())), unique=True, max_size=MAX_ROWS)


@given(SETTINGS, STYLES, st.integers(1, 100), st.sampled_from([EVERYTHING, *ONLY]))
def test_a_link_is_read_as_it_was_written(
    settings: Mapping[str, Any], names: list[str], percent: int, only: str
) -> None:
    styles = [(name, percent / 100 if len(names) > 1 else 1.0) for name in names]
    found = read(link_for(styles, Settings(**settings), only))
    assert found.only == only
    assert found.styles == tuple(styles)
    assert found.settings == Settings(**settings)
    assert not found.problems


@pytest.mark.parametrize(
    "words",
    ["pale watercolour", "neon", "a:b", "ratio 3:4", "grey:50%", "x=0.5", "van-gogh-irisis", "æøå & co?", "text:hm"],
)
def test_words_are_read_as_they_were_written(words: str, tmp_path: Path) -> None:
    with open_context(ModelOptions(), Limits(), tmp_path / "votes.csv") as context:
        part = part_from_words(context, words)
        written = link_words(context, part)
        assert written is not None
        (found, weight), *_ = read(link_for([(written, 1.0)], Settings())).styles
        assert found.removeprefix(WORDS) == words
        assert found == words or found.startswith(WORDS)
        assert weight == 1
        assert link_words(context, part_of(context, "klimt-gold")) == "klimt-gold"
        picture = StylePart("painting.jpg", Style.from_image(Image.new("RGB", (32, 32), "red")))
        assert link_words(context, picture) is None


def test_a_page_as_it_opens_needs_no_query() -> None:
    assert link_for([], Settings()) == ""
    assert link_for([("klimt-gold", 1.0)], Settings(strength=0.5)) == "?style=klimt-gold&strength=0.5"
    assert link_for([("a b", 1.0), ("neon", 0.25)], Settings()) == "?style=a%20b%3A1&style=neon%3A0.25"


def test_other_programs_show_a_title_and_a_picture(served: ServedPage) -> None:
    page = httpx.get(served.address).text
    tags = dict(re.findall(r'<meta property="(og:[^"]+)" content="([^"]*)"', page))
    assert tags["og:title"] == "diffstyle"
    assert "photo" in tags["og:description"]
    assert tags["og:image"] == f"{served.address.rstrip('/')}{PICTURE}"
    assert page.count('"og:image"') == 1
    assert "gradio.app" not in "".join(re.findall(r"<meta[^>]*>", page))
    answer = httpx.get(tags["og:image"])
    assert answer.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.size == SIZE
    assert len(answer.content) < 300_000
    assert httpx.get(tags["og:image"], headers={"Host": "evil.example"}).status_code == 403
    icon = httpx.get(f"{served.address}favicon.ico")
    assert icon.headers["content-type"] == "image/svg+xml"
    assert b"<script" not in icon.content


def test_a_visitor_is_known_after_the_browser_was_closed(served: ServedPage) -> None:
    cookie = httpx.get(served.address).headers["set-cookie"]
    assert f"Max-Age={KEEP_SECONDS}" in cookie
    assert "HttpOnly" in cookie
