"""Where in a UNet an adapter acts, by names of blocks."""

from __future__ import annotations

import pytest

from diffstyle import InputError
from diffstyle.adapters.blocks import profile, scale_of


def test_profiles_scale_blocks_by_name() -> None:
    style = profile("style", "sdxl")
    assert scale_of("up_blocks.0.attentions.1.transformer_blocks.3.attn2.processor", style) == 1
    assert scale_of("up_blocks.0.attentions.0.transformer_blocks.3.attn2.processor", style) == 0
    assert scale_of("mid_block.attentions.0.x", profile("all", "")) == 1
    assert profile("up_blocks.1=0.5,mid_block=0", "") == {"up_blocks.1": 0.5, "mid_block": 0.0}


@pytest.mark.parametrize("bad", ["some", "up_blocks.1=much"])
def test_a_profile_that_cannot_be_read_is_refused(bad: str) -> None:
    with pytest.raises(InputError, match="blocks"):
        profile(bad, "sd15")
