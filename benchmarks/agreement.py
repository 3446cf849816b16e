"""Which figures agree with people: `python -m benchmarks.agreement votes/*.csv --pairs pairs.csv --run A --run B`.

Votes are files in the format of diffstyle.evaluation.votes, such as the votes.csv of `diffstyle study report`; runs are
the folders of the pictures that were voted on, which are found again by their sha256.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, run

from diffstyle.cli.evaluate import named_runs
from diffstyle.core.errors import InputError
from diffstyle.evaluation.agreement import agreements, digests_of
from diffstyle.evaluation.fitted import fitted_agreement
from diffstyle.evaluation.metrics import registry
from diffstyle.evaluation.metrics.registry import Metric
from diffstyle.evaluation.pairs import read_pairs, shared
from diffstyle.evaluation.table import measure
from diffstyle.evaluation.votes import read_votes


def agreement(
    votes: list[Path],
    /,
    *,
    pairs: Path,
    folder: Annotated[list[Path], Parameter(name="--run", negative=())],
    metrics: str = "all",
    size: int = 512,
    question: str = "",
) -> None:
    """Print a table of the figures, best first.

    Parameters
    ----------
    votes
        Files of votes.
    pairs
        The CSV file of the pairs.
    folder
        A folder of pictures; repeat it.
    metrics
        Figures; those whose weights are missing are left out.
    size
        Longest side in pixels at which pictures are compared.
    question
        Count the votes on this question alone.
    """
    figures: list[Metric] = []
    for metric in registry.chosen(registry.names_in(metrics)):
        try:
            metric.available()
        except InputError as error:
            print(f"{metric.name} is left out. {error}")
            continue
        figures += [] if metric.embed or metric.of == "cost" else [metric]
    runs = named_runs(folder)
    kept, notes = shared(read_pairs(pairs), runs)
    print("\n".join(notes))
    asked = [vote for vote in read_votes(votes) if question in ("", vote.question)]
    table, pictures = measure(kept, runs, figures, side=size), digests_of(kept, runs)
    found, others = agreements(asked, table, pictures)
    if others:
        print(f"{others} votes are on other pictures.")
    for one in found:
        print(f"{one.metric.name:14} {one.share.text(2):22} {one.choices} choices on {one.pairs} pairs")
    for left_out in ("pair", "judge"):
        share = fitted_agreement(asked, table, pictures, leave_out=left_out)
        print(f"{'all, fitted':14} {share.text(2):22} fitted to the votes but for one {left_out}'s")


if __name__ == "__main__":
    run(agreement)
