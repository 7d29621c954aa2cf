"""Options of `rig train` that would be ignored are refused, and those that belong together are not."""

import pytest
import typer

from rig.cli.exclusions import require_no_exclusion
from rig.cli.main import app
from rig.cli.train_options import EXCLUSIONS
from rig.errors import BadInput

_FEATURES = ("--weights", "imagenet", "--features")


def _train(*words: str) -> None:
    """As far as looking at the options."""
    main = typer.main.get_command(app)
    command = main.get_command(typer.Context(main), "train")  # type: ignore[attr-defined]
    require_no_exclusion(command.make_context("train", list(words)), EXCLUSIONS)


@pytest.mark.parametrize(
    ("words", "ignored"),
    [
        *(
            ((*_FEATURES, *words), words[0])
            for words in (
                ("--epochs", "9"),
                ("--batch", "9"),
                ("--optimizer", "sgd"),
                ("--schedule", "constant"),
                ("--learning-rate", "0.1"),
                ("--weight-decay", "0.1"),
                ("--label-smoothing", "0.1"),
                ("--mixing", "0.1"),
                ("--patience", "2"),
                ("--augment", "none"),
                ("--no-flip",),
                ("--freeze-epochs", "2"),
                ("--thaw", "0.1"),
                ("--find-rate",),
                ("--show-augmentation",),
            )
        ),
        (("--resume", "--epochs", "8"), "--epochs"),  # as it is by default, but typed
        (("--show-augmentation", "--resume"), "--show-augmentation"),
        (("--show-augmentation", "--find-rate"), "--find-rate"),
        (("--show-augmentation", "--epochs", "3"), "--epochs"),
        (("--find-rate", "--schedule", "constant"), "--schedule"),
        (("--distribute", "--find-rate"), "--find-rate"),
        (("--distribute", *_FEATURES), "--features"),
        (("--weights", "imagenet", "--thaw", "0", "--freeze-epochs", "2"), "--freeze-epochs"),
        (("--optimizer", "sgd", "--weight-decay", "0.1"), "--weight-decay"),
    ],
)
def test_what_would_be_ignored_is_refused(words: tuple[str, ...], ignored: str) -> None:
    with pytest.raises(BadInput) as caught:
        _train(*words)
    assert caught.value.what.endswith(f", and takes no {ignored}")
    assert f"leave out {ignored}, or --" in caught.value.hint


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--resume", "--name", "x"),
        (*_FEATURES, "--size", "128", "--balance", "loss", "--seed", "3"),
        ("--optimizer", "adamw", "--weight-decay", "0.1"),
        ("--weights", "imagenet", "--thaw", "0.5", "--freeze-epochs", "2"),
        ("--show-augmentation", "--mixing", "1"),
    ],
)
def test_what_belongs_together_is_not(words: tuple[str, ...]) -> None:
    _train(*words)
