"""`rig sweep` and `rig train --distribute`, as far as they get without training."""

from tests.acceptance.conftest import Shell


def test_what_cannot_be_searched_is_named(shell: Shell) -> None:
    said = shell.fails("sweep", "--search", "learning-rate,colour")
    assert "--search learning-rate,colour is not a list of what can be searched" in said
    assert "label-smoothing" in said
    assert "there is no sweep named bricks" in shell.fails("sweep", "--show", "--name", "bricks")


def test_work_is_shared_with_somebody(shell: Shell) -> None:
    said = shell.fails("train", "--distribute")
    assert "there is nobody to share the work with: TensorFlow sees one " in said
    assert "TF_CONFIG" in said
    assert "takes no --distribute" in shell.fails("train", "--resume", "--distribute")
