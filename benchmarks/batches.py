"""Whether previews painted together are quicker than one after another, on one thread: `python -m benchmarks.batches`.

The preview network alone, with pictures of one size and another style each, in turns. The gain is in seconds of the
processor; "equal" says whether each picture has the same bits as alone.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from diffstyle import Style
from diffstyle.core.device import fast_dtype
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.engines.adain.engine import AdaINEngine
from diffstyle.engines.adain.network import StyleStatistics

SIDES, COUNTS, ROUNDS = (64, 128, 256, 512), (2, 4, 8), 9
WORDS = ("neon", "charcoal", "ukiyo-e", "oil painting", "watercolour", "mosaic", "pastel", "linocut")


@torch.no_grad()
def main() -> None:
    torch.set_num_threads(1)
    cpu = torch.device("cpu")
    engine = AdaINEngine.load(device=cpu, dtype=fast_dtype(cpu), encoder=StyleEncoder.load())
    network, styles = engine.network, [engine.statistics(Style.from_text(words)) for words in WORDS]
    generator = torch.Generator().manual_seed(0)
    print("side count  gain  ms/picture alone  equal")
    for side in SIDES:
        for count in COUNTS:
            pictures = torch.rand(count, 3, side, side, generator=generator)
            pictures = pictures.contiguous(memory_format=torch.channels_last)
            together = StyleStatistics(*(torch.cat(parts) for parts in zip(*styles[:count], strict=True)))

            def alone(pictures: Tensor = pictures) -> Tensor:
                ones = [network.encode(pictures[n : n + 1]) for n in range(len(pictures))]
                return torch.cat([network.render(one, style) for one, style in zip(ones, styles, strict=False)])

            def batch(pictures: Tensor = pictures, together: StyleStatistics = together) -> Tensor:
                return network.render(network.encode(pictures), together)

            equal = torch.equal(alone(), batch())
            times = [(seconds(alone), seconds(batch)) for _ in range(ROUNDS)]
            gain = statistics.median(a / b for a, b in times)
            each = 1e3 * statistics.median(a for a, _ in times) / count
            print(f"{side:4} {count:5} {gain:5.2f} {each:17.1f}  {equal}", flush=True)


def seconds(paint: Callable[[], Tensor]) -> float:
    """Seconds of the processor."""
    began = time.process_time()
    paint()
    return time.process_time() - began


if __name__ == "__main__":
    main()
