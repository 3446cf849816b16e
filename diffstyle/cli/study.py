"""`diffstyle study make`, `serve` and `report`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from diffstyle.cli.options import check_range
from diffstyle.cli.progress import Progress, say
from diffstyle.core.errors import InputError
from diffstyle.core.settings import MAX_SEED
from diffstyle.formats.atomic import check_writable

_SMALLEST, _LARGEST = 128, 4096


def make(
    places: Annotated[list[Path], Parameter(name="RUN", negative=(), json_list=False)],
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    pairs: Path,
    content: Path | None = None,
    style: Path | None = None,
    question: Annotated[tuple[str, ...], Parameter(negative=())] = ("keep",),
    consent: str = "",
    checks: int = 2,
    per_judge: int = 0,
    size: int = 1024,
    seed: int = 0,
    export: Literal["mturk"] | None = None,
    address: str = "",
) -> int:
    """Make a page that asks which of two results is better: diffstyle study make A B --pairs pairs.csv -o study/

    Parameters
    ----------
    places
        Two or more folders of results, NAME.png for each pair; every two of them are compared.
    out
        The folder to make. Open index.html in it, or put it on any web server. What the pictures are is in the file
        FOLDER.key.json beside it, which judges must not see.
    pairs
        A CSV file with the columns name,photo,style.
    content
        The folder that the photos in it are relative to.
    style
        The folder that the style pictures in it are relative to.
    question
        style, content, keep, or words of your own; repeat it to ask several.
    consent
        What judges agree to before they begin, as text or as a file.
    checks
        How many attention checks every judge gets: a result beside a damaged copy of it.
    per_judge
        How many questions each judge gets beside the checks, drawn at random; 0 is all.
    size
        Longest side of the pictures in pixels.
    seed
        Of the names of the pictures and the order of the questions.
    export
        mturk: also a layout and an input file for Amazon Mechanical Turk, with --address.
    address
        Where the folder will be served from: https://host/study.
    """
    check_range("checks", checks, 0, 20)
    check_range("per_judge", per_judge, 0, 10_000)
    check_range("size", size, _SMALLEST, _LARGEST)
    check_range("seed", seed, 0, MAX_SEED)
    from diffstyle.cli.evaluate import named_runs
    from diffstyle.evaluation.pairs import read_pairs, shared
    from diffstyle.evaluation.study.crowd import check_address, export_mturk
    from diffstyle.evaluation.study.make import StudyOptions, make_study
    from diffstyle.evaluation.study.study import CONSENT, key_path

    if export is not None:
        check_address(address)
    runs = named_runs(places)
    kept, notes = shared(read_pairs(pairs, content=content, style=style), runs)
    for note in notes:
        say(note)
    options = StudyOptions(
        questions=question,
        consent=_text(consent) or CONSENT,
        checks=checks,
        per_judge=per_judge,
        size=size,
        seed=seed,
    )
    progress = Progress("pair")
    try:
        study = make_study(out, kept, runs, options, on_pair=progress.update)
    finally:
        progress.close()
    print(f"{out / 'index.html'}: {len(study.items)} questions. Keep {key_path(out)} to yourself.")
    if export is not None:
        for path in export_mturk(study, out, address):
            print(path)
    return 0


def serve(
    folder: Annotated[Path, Parameter(name="STUDY")],
    /,
    *,
    answers: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    allowed_host: Annotated[tuple[str, ...], Parameter(negative=())] = (),
) -> int:
    """Serve a study, and collect its answers: diffstyle study serve study/

    Parameters
    ----------
    folder
        A folder that `diffstyle study make` wrote.
    answers
        The CSV file that answers are added to; FOLDER.answers.csv beside the folder if not given.
    host
        The address to listen at. Only this machine can reach the default; 0.0.0.0 admits other machines.
    port
        The port to listen at; 0 takes a free one.
    allowed_host
        A host name by which judges reach the server, such as that of a proxy; repeat it for several. Addresses and
        localhost always work.
    """
    from diffstyle.evaluation.study.serve import serve_study
    from diffstyle.evaluation.study.study import STUDY

    path = answers or folder.resolve().with_name(f"{folder.resolve().name}.answers.csv")
    check_writable(path, [folder / STUDY])
    say(f"answers go to {path}")
    serve_study(folder, path, host=host, port=port, names=allowed_host)
    return 0


def report(
    folder: Annotated[Path, Parameter(name="STUDY")],
    answers: Annotated[list[Path], Parameter(name="ANSWERS", negative=(), json_list=False)],
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    key: Path | None = None,
    allowed_misses: int = 0,
    seed: int = 0,
) -> int:
    """Evaluate the answers to a study: diffstyle study report study/ answers*.csv -o report/

    Parameters
    ----------
    folder
        A folder that `diffstyle study make` wrote.
    answers
        The files that judges saved, CSV or JSON; that of `diffstyle study serve`; or results of Amazon Mechanical Turk.
    out
        The folder that report.html, report.json, comparisons.csv and votes.csv are written to.
    key
        The key of the study; FOLDER.key.json beside the folder if not given.
    allowed_misses
        How many attention checks a judge may miss.
    seed
        Of the bootstrap intervals of the scores.
    """
    if allowed_misses < 0:
        raise InputError(f"allowed_misses is {allowed_misses}: give a number of 0 or more.")
    check_range("seed", seed, 0, MAX_SEED)
    from diffstyle.evaluation.html import report_folder
    from diffstyle.evaluation.study.report import COMPARISONS, PAGE, SUMMARY, VOTES, notes_of, write_study_report
    from diffstyle.evaluation.study.study import STUDY, Key, Study, key_path
    from diffstyle.evaluation.study.tally import sort_votes, tally
    from diffstyle.evaluation.votes import read_votes

    study, secret = Study.read(folder), Key.read(key or key_path(folder))
    if study.name != secret.name:
        raise InputError("The key belongs to another study: name the right one with --key.")
    votes = read_votes(answers)
    found = sort_votes(votes, secret, questions=study.questions, allowed_misses=allowed_misses)
    report_folder(out, (PAGE, SUMMARY, COMPARISONS, VOTES), [*answers, key or key_path(folder), folder / STUDY])
    for note in notes_of(found):
        say(note)
    path = write_study_report(out, folder, study, secret, found, seed=seed)
    for question, text in study.questions.items():
        print(text)
        for d in tally(question, found.answers, secret.runs, seed=seed).duels:
            if sum(d.wins) + d.same:
                share = f"{d.share.value:.0%} [{d.share.low:.0%}, {d.share.high:.0%}]"
                print(f"  {d.runs[0]} {d.wins[0]} : {d.wins[1]} {d.runs[1]}, same {d.same}; {share}")
    print(path)
    return 0


def _text(given: str) -> str:
    from diffstyle.core.user_path import is_file

    if not is_file(given):
        return given.strip()
    try:
        return Path(given).read_text("utf-8").strip()
    except UnicodeDecodeError as error:
        raise InputError(f"Cannot read {given}: it is not text in UTF-8.") from error
