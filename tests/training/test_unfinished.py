"""What a run leaves behind, and who may go on with it."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rig.dataset.reader import read_dataset
from rig.errors import BadInput, Interrupted, ModelError, NotLearning
from tests.training.conftest import QUICK, crops_of, write_shapes
from training.choices.request import TrainRequest
from training.fitting.snapshot import read_snapshot
from training.fitting.unfinished import (
    begun_request,
    folder_of,
    is_unfinished,
    kept_until_finished,
    require_nobody_trains,
    unfinished_models,
)


@pytest.fixture
def request_(tmp_path: Path) -> TrainRequest:
    """For pictures that are there."""
    data = write_shapes(tmp_path / "data", parts=("only",), views=1)
    return TrainRequest(data=data, model=tmp_path / "models" / "m", recipe=QUICK, seed=7)


def _break_off(request: TrainRequest, error: type[BaseException] = Interrupted) -> None:
    with (
        pytest.raises(error),
        kept_until_finished(request, crops_of(request.data, 32), resume=False) as folder,
    ):
        (folder / "0.state").write_bytes(b"so far")
        raise error("test") if issubclass(error, NotLearning) else error


def test_a_run_that_is_broken_off_can_go_on_and_then_leaves_nothing(request_: TrainRequest) -> None:
    _break_off(request_)
    assert is_unfinished(request_.model)
    assert unfinished_models(request_.model.parent) == [request_.model]
    assert begun_request(request_.model) == request_
    with kept_until_finished(request_, crops_of(request_.data, 32), resume=True) as folder:
        assert (folder / "0.state").read_bytes() == b"so far"
    assert not is_unfinished(request_.model)
    assert not list(request_.model.parent.iterdir())


def test_nobody_goes_on_with_what_does_not_learn(request_: TrainRequest) -> None:
    _break_off(request_, NotLearning)
    assert not list(request_.model.parent.iterdir())


def test_a_fresh_run_begins_anew(request_: TrainRequest) -> None:
    _break_off(request_)
    with kept_until_finished(request_, crops_of(request_.data, 32), resume=False) as folder:
        assert sorted(path.name for path in folder.iterdir()) == ["begun.json", "lock"]


def test_only_one_process_trains_a_model(request_: TrainRequest) -> None:
    crops = crops_of(request_.data, 32)
    with (
        kept_until_finished(request_, crops, resume=False),
        pytest.raises(BadInput, match="being trained by another process"),
        kept_until_finished(request_, crops, resume=False),
    ):
        pass


def test_a_run_that_a_process_is_at_is_not_one_to_go_on_with(request_: TrainRequest) -> None:
    model = request_.model
    with kept_until_finished(request_, crops_of(request_.data, 32), resume=False):
        assert not is_unfinished(model)
        assert unfinished_models(model.parent) == []
        with pytest.raises(BadInput, match="being trained by another process"):
            require_nobody_trains(model)
    require_nobody_trains(model)
    _break_off(request_)
    require_nobody_trains(model)
    assert unfinished_models(model.parent) == [model]


def _another_recipe(request: TrainRequest) -> TrainRequest:
    return replace(request, recipe=replace(QUICK, batch=17))


def _another_picture(request: TrainRequest) -> TrainRequest:
    (path,) = (request.data / "bar").iterdir()
    path.with_name("copy.png").write_bytes(path.read_bytes())
    (request.data / "metadata.jsonl").unlink()
    return request


def _another_name(request: TrainRequest) -> TrainRequest:
    return replace(request, model=request.model.with_name("other"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_another_recipe, "begun with another recipe"),
        (_another_picture, r"not those that the run was begun with \(3 then, 4 now\)"),
        (_another_name, "there is no unfinished run of .*other"),
    ],
)
def test_a_run_goes_on_as_it_was_begun_or_not_at_all(
    request_: TrainRequest, change: Callable[[TrainRequest], TrainRequest], said: str
) -> None:
    _break_off(request_)
    changed = change(request_)
    with (
        pytest.raises(BadInput, match=said),
        kept_until_finished(changed, crops_of(changed.data, 32), resume=True),
    ):
        pass
    assert (folder_of(request_.model) / "0.state").read_bytes() == b"so far"
    assert [path.name for path in request_.model.parent.iterdir()] == [".unfinished-m"]


def test_a_damaged_record_is_named(request_: TrainRequest) -> None:
    _break_off(request_)
    record = folder_of(request_.model) / "begun.json"
    record.write_bytes(record.read_bytes()[:-30])
    with pytest.raises(ModelError, match=r"begun\.json is damaged"):
        begun_request(request_.model)


def test_a_run_whose_renders_were_deleted_is_not_advised_to_go_on_for_ever(request_: TrainRequest) -> None:
    renders = read_dataset(write_shapes(request_.model.parent / ".renders", parts=("drawn",), views=1))
    _break_off(replace(request_, added=renders.samples))
    assert begun_request(request_.model).added == renders.samples
    shutil.rmtree(renders.folder)
    with pytest.raises(BadInput, match=r"renders that are gone, such as .*drawn_0\.png") as caught:
        begun_request(request_.model)
    assert "without --resume" in caught.value.hint


def test_what_a_failing_disk_does_not_give_back_is_named(request_: TrainRequest) -> None:
    _break_off(request_)
    folder = folder_of(request_.model)
    for name in ("0.state", "begun.json"):
        (folder / name).unlink()
        (folder / name).mkdir()  # a file that cannot be read, for root either
    with pytest.raises(ModelError, match=r"the checkpoint .*0\.state cannot be read: Is a directory"):
        read_snapshot(folder / "0.state")
    with pytest.raises(ModelError, match=r"begun\.json cannot be read: Is a directory"):
        begun_request(request_.model)
