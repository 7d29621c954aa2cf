"""`rig review`"""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rig.cli.exclusions import Exclusion, any_of, require_no_exclusion
from rig.cli.numbers import share, whole_number
from rig.cli.settings import Settings, counted, settings_of

if TYPE_CHECKING:
    from rig.config import Config
    from rig.review.queue import Answer, Doubtful, Reviews
    from rig.review.reviewing import Review

_EXCLUSIONS = (
    Exclusion(
        "--answers", "--answers takes what it says of any part", any_of("--below", "--most-useful", "--sheet")
    ),
)
_KEYS = "the digit before one, or a part number; s: nobody can tell, x: no single part, u: undo, q: quit"


def review(
    context: typer.Context,
    below: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            parser=share("--below", example="0.9"),
            help="Ask about sorted parts, too, that the model was less sure of than this.",
        ),
    ] = 0.9,
    most_useful: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=whole_number("--most-useful", least=1),
            help="Ask about the N parts that the model in use would learn most from.",
        ),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Take the answers from a table: columns id and part."),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw all of them with their numbers (.jpg), and end."),
    ] = None,
) -> None:
    """Name the parts that sorting was not sure of: they join the dataset, and the next model learns them.

    Each answer is kept at once. With --json, the parts are listed and nobody is asked.
    """
    require_no_exclusion(context, _EXCLUSIONS)
    settings = settings_of(context)
    config = settings.load_config()
    from rig.review.queue import Reviews
    from rig.review.reviewing import open_review
    from rig.sorting.ledger import Ledger

    known = _known_parts(config)
    # To look whether anything is waiting makes no ledger.
    if not (config.ledger / Ledger.FILE_NAME).exists():
        _say_that_none_is_waiting(settings)
        return
    with Ledger(config.ledger) as ledger:
        if answers is None and (settings.as_json or sheet is not None):
            waiting = _waiting(settings, config, Reviews(ledger), below, most_useful)
            _show_all(settings, waiting, sheet)
            return
        with open_review(ledger, config.paths.captures) as asked:
            if answers is not None:
                _take_answers(settings, config, asked, answers, known)
            elif waiting := _waiting(settings, config, asked.reviews, below, most_useful):
                _require_somebody(settings, waiting)
                _Sitting(settings, config, asked, known).ask(waiting)
            else:
                _say_that_none_is_waiting(settings)


def _show_all(settings: Settings, waiting: "Sequence[Doubtful]", sheet: Path | None) -> None:
    if sheet is not None:
        _draw(settings, waiting, sheet)
    else:
        settings.print_json({"waiting": [_document(part) for part in waiting]})


def _known_parts(config: "Config") -> set[str]:
    """The part numbers that occur here: of the dataset, of the bins, and of the model in use."""
    from rig.dataset.folders import class_names
    from rig.review.answers import known_here

    classes = class_names(config.paths.captures) if config.paths.captures.is_dir() else ()
    return known_here(config.bins, classes, _labels_in_use(config))


def _labels_in_use(config: "Config") -> set[str]:
    from rig.shelf import shelved

    models = shelved(config.paths.models)
    return {label for each in models if each.in_use and each.bundle for label in each.bundle.card.labels}


def _waiting(
    settings: Settings, config: "Config", reviews: "Reviews", below: float, most_useful: int | None
) -> "list[Doubtful]":
    waiting = reviews.waiting(below)
    if most_useful is None:
        return waiting
    from rig.review.usefulness import most_useful as ordered
    from rig.review.usefulness import sessions_of
    from rig.shelf import default_bundle
    from rig.vision.classifier import Classifier

    classifier = Classifier(default_bundle(config.paths.models))
    with settings.progress() as bars:
        bar = bars.add_task("Asking the model", total=len(waiting))
        return ordered(
            waiting,
            classifier,
            sessions_of(config.paths.captures),
            most_useful,
            lambda progress: bars.update(bar, completed=progress.done),
        )


def _say_that_none_is_waiting(settings: Settings) -> None:
    settings.say("No part is waiting for a review.")
    settings.print_json({"waiting": []})


def _require_somebody(settings: Settings, waiting: "Sequence[Doubtful]") -> None:
    from rig.errors import BadInput

    if not settings.somebody_is_there:
        raise BadInput(
            f"{counted(len(waiting), 'part')} cannot be asked about: this is no terminal",
            hint="list them with --json, and answer with --answers FILE.csv (columns id and part)",
        )


def _document(part: "Doubtful") -> dict[str, object]:
    return {
        "id": part.id,
        "run": part.run,
        "sorted_as": part.part,
        "doubt": part.doubt,
        "probability": part.probability,
        "candidates": [candidate._asdict() for candidate in part.candidates],
        "source": part.source,
        "pictures": [look.picture for look in part.looks],
    }


def _draw(settings: Settings, waiting: "Sequence[Doubtful]", out: Path) -> None:
    from rig.errors import BadInput
    from rig.files import write_whole
    from rig.review.sheet import MOST, draw
    from rig.vision.jpeg import encode_jpeg

    if out.suffix.lower() not in (".jpg", ".jpeg"):
        raise BadInput(f"{out} is no JPEG file", hint="such as: --sheet doubtful.jpg")
    if not waiting:
        raise BadInput("no part is waiting for a review", hint="there is nothing to draw")
    shown = min(len(waiting), MOST)
    write_whole(out, encode_jpeg(draw(waiting)))
    settings.say(f"Written: {out}, {shown} of {counted(len(waiting), 'part')}.")
    settings.print_json({"file": out, "parts": shown, "waiting": len(waiting)})


def _take_answers(settings: Settings, config: "Config", asked: "Review", path: Path, known: set[str]) -> None:
    from rig.review.answers import read_answers

    listed = read_answers(path, asked.reviews, known)
    with _what_was_answered_is_kept(asked), settings.progress() as bars:
        for each in bars.track(listed, description="Answers") if listed else ():
            asked.answer(each.part, each.answer)
    _conclude(settings, config, asked)


@contextmanager
def _what_was_answered_is_kept(asked: "Review") -> Iterator[None]:
    """Say so of whatever ends the block."""
    from rig.errors import Interrupted, RigError

    try:
        yield
    except (RigError, Interrupted) as stop:
        stop.add_note(f"answers that are kept: {asked.tally.given}; go on with: rig review")
        raise


def _conclude(settings: Settings, config: "Config", asked: "Review") -> None:
    """Say what the answers came to."""
    tally = asked.tally
    for why in tally.unreadable:
        settings.say(f"Left out: {why}.")
    labels = _labels_in_use(config)
    new = {label: count for label, count in tally.named.items() if count > 0 and label not in labels}
    if new:
        listed = ", ".join(f"{label} ({counted(count, 'part')})" for label, count in sorted(new.items()))
        settings.say(
            f"New to the model in use: {listed}. rig train learns them, but not from so few: capture more of"
            " them, or review more."
        )
    if not settings.as_json:
        taken_back = f", {tally.taken_back} taken back" if tally.taken_back else ""
        removed = f", {tally.removed} taken out again" if tally.removed else ""
        typer.echo(
            f"{counted(tally.given, 'answer')}{taken_back}; {counted(tally.added, 'picture')} joined"
            f" {config.paths.captures}{removed}."
        )
        if tally.added:
            typer.echo("Learn from them with: rig train")
    settings.print_json({"tally": tally, "new": new})


def _became(part: "Doubtful") -> str:
    from rig.sorting.evidence import Doubt

    if part.part is not None:
        return f"sorted as {part.part}"
    return "rejected as a stranger" if part.doubt is Doubt.STRANGER else "rejected"


class _Sitting:
    """A person at a terminal who goes through some parts."""

    def __init__(self, settings: Settings, config: "Config", asked: "Review", known: set[str]) -> None:
        self._settings = settings
        self._config = config
        self._asked = asked
        self._known = known

    def ask(self, waiting: "Sequence[Doubtful]") -> None:
        """Ask about one after the other, until the person quits."""
        self._settings.say(f"{counted(len(waiting), 'part')} to review. Type {_KEYS}.")
        to_ask = deque(waiting)
        with _what_was_answered_is_kept(self._asked):
            while (typed := self._typed(to_ask)).casefold() != "q":
                if typed.casefold() == "u":
                    self._take_back(to_ask)
                elif to_ask and (answer := self._understood(typed, to_ask[0])):
                    self._keep(to_ask.popleft(), answer)
        _conclude(self._settings, self._config, self._asked)

    def _typed(self, to_ask: "Sequence[Doubtful]") -> str:
        """What the person says of the next part, or once there is none: the last answer may be wrong, too."""
        if to_ask:
            self._show(to_ask[0], len(to_ask))
        else:
            self._settings.say("\nThat was the last part. u: undo, q: quit.")
        return self._settings.read_line("> ").strip()

    def _show(self, part: "Doubtful", left: int) -> None:
        self._settings.say(f"\nPart {part.id}, {_became(part)} ({left} left)")
        for look in part.looks:
            self._settings.say(f"  {look.picture}")
        for number, candidate in enumerate(part.candidates, start=1):
            self._settings.say(f"  {number}  {candidate.label:<12} {candidate.probability:6.1%}")

    def _understood(self, typed: str, part: "Doubtful") -> "Answer | None":
        """None where the person is asked again."""
        from rig.errors import BadInput
        from rig.review.answers import similar, understood

        try:
            answer = understood(typed, part, self._known)
        except BadInput:
            self._settings.say(f"  {typed!r} is no answer; type {_KEYS}.")
            return None
        if answer.label is None or answer.label in self._known:
            return answer
        near = similar(answer.label, self._known)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        again = self._settings.read_line(
            f"  {answer.label} is new here.{meant} Once more to make it a new part, or Enter to go back: "
        )
        if again.strip() != typed:
            return None
        self._known.add(answer.label)
        return answer

    def _keep(self, part: "Doubtful", answer: "Answer") -> None:
        self._asked.answer(part, answer)
        if answer.label is not None:
            self._settings.say(f"  {answer.label}")

    def _take_back(self, to_ask: "deque[Doubtful]") -> None:
        part = self._asked.take_back()
        if part is None:
            self._settings.say("  There is no answer to take back.")
            return
        to_ask.appendleft(part)
