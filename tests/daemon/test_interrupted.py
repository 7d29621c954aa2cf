"""What a power cut ends is named at the next start, and can be gone on with."""

import json
import signal
from pathlib import Path

import pytest

from rig.catalog import PartNumber
from rig.config import Config
from rig.daemon.interrupted import Interrupted, JobFile, request_to_go_on
from rig.jobs.requests import BatchRequest, CalibrateTurnRequest, CaptureRequest, ResumeRequest
from tests.acceptance.conftest import Trained
from tests.daemon.daemons import Served, daemon

PART = PartNumber("3001")


def power_cut(served: Served) -> None:
    served.send(signal.SIGKILL)
    served.process.wait(timeout=30)


def pictures(folder: Path) -> list[str]:
    manifest = folder / "captures" / "metadata.jsonl"
    return [json.loads(line)["file_name"] for line in manifest.read_text().splitlines()]


def test_a_capture_that_was_cut_short_is_named_and_completed(tmp_path: Path) -> None:
    with daemon(tmp_path) as served:
        job = served.begin("capture", part="3001", steps=144)
        served.await_event(job, "ViewTaken")
        power_cut(served)
    kept = pictures(tmp_path)
    assert 0 < len(kept) < 144
    with daemon(tmp_path) as served:
        left = served.state()["interrupted"]
        assert left["what"] == "The capture of 3001 was cut short; what was taken is kept"
        assert left["kind"] == "capture"
        assert f"{left['what']}; go on with it" in served.log.read_text()
        resumed = served.post("/interrupted/resume")
        assert served.state()["interrupted"] is None
        assert served.await_job(resumed["id"])["state"] == "finished"
        assert not (tmp_path / "daemon" / "job.json").exists()
    taken = pictures(tmp_path)
    assert taken[: len(kept)] == kept
    assert len(set(taken)) == len(taken) == 144
    with daemon(tmp_path) as served:
        assert served.state()["interrupted"] is None


def test_the_rest_of_a_sort_is_sorted(trained: Trained, tmp_path: Path) -> None:
    model = str(trained.model)
    with daemon(tmp_path) as served:
        job = served.begin("sort", count=40, model=model)
        served.await_event(job, "PartSorted")
        power_cut(served)
    with daemon(tmp_path) as served:
        assert served.state()["interrupted"]["what"] == "Sorting 40 parts was cut short"
        resumed = served.post("/interrupted/resume")
        rest = resumed["request"]["count"]
        assert 0 < rest < 40
        assert resumed["request"]["model"] == model
        ended = served.await_job(resumed["id"])
        assert (ended["state"], ended["done"]) == ("finished", rest)


def test_what_the_end_of_the_daemon_cut_short_is_offered_too(tmp_path: Path) -> None:
    with daemon(tmp_path) as served:
        job = served.begin("capture", part="3001", steps=144)
        served.await_event(job, "ViewTaken")
        assert served.end() == 0
    with daemon(tmp_path) as served:
        assert served.state()["interrupted"]["kind"] == "capture"


def test_what_somebody_ended_is_not(tmp_path: Path) -> None:
    with daemon(tmp_path) as served:
        job = served.begin("capture", part="3001", steps=144)
        served.await_event(job, "ViewTaken")
        served.post(f"/jobs/{job}/cancel")
        served.await_job(job)
        assert served.end() == 0
    with daemon(tmp_path) as served:
        assert served.state()["interrupted"] is None


def test_it_can_be_dismissed(tmp_path: Path) -> None:
    with daemon(tmp_path) as served:
        job = served.begin("capture", part="3001", steps=144)
        served.await_event(job, "ViewTaken")
        power_cut(served)
    with daemon(tmp_path) as served:
        assert served.ask("DELETE", "/interrupted")[0] == 204
        assert served.state()["interrupted"] is None
        assert served.ask("POST", "/interrupted/resume", {})[0] == 404
        power_cut(served)
    with daemon(tmp_path) as served:
        assert served.state()["interrupted"] is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"started_at": "then", "request": {"kind": "dance"}}', "\0"]
)
def test_a_damaged_file_says_only_that_there_was_something(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    (tmp_path / "job.json").write_text(text)
    assert JobFile(tmp_path).left_over() is None
    assert "a job was cut short" in caplog.text


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    file = JobFile(tmp_path / "daemon")
    job = Interrupted(started_at="then", request=CaptureRequest(part=PART), session="s1")
    file.begin(job)
    assert JobFile(tmp_path / "daemon").left_over() == job
    file.end()
    file.end()
    assert file.left_over() is None


def test_what_never_took_a_picture_begins_anew_and_a_list_goes_on_by_itself(tmp_path: Path) -> None:
    config = Config.model_validate({"paths": {"captures": str(tmp_path)}})
    for request in (
        CaptureRequest(part=PART),
        BatchRequest(source="list", table="part\n3001\n"),
        CalibrateTurnRequest(kind="calibrate_table"),
        ResumeRequest(),
    ):
        assert request_to_go_on(Interrupted(started_at="then", request=request), config) == request
    (tmp_path / ".20261130T184721Z-c4a9.session.json").write_text("{}")
    begun = Interrupted(started_at="then", request=CaptureRequest(part=PART), session="20261130T184721Z-c4a9")
    assert request_to_go_on(begun, config) == ResumeRequest(session="20261130T184721Z-c4a9")


@pytest.mark.parametrize("is_resumed", [False, True])
def test_a_capture_that_was_cut_short_behind_its_last_view_is_not_taken_again(
    tmp_path: Path, is_resumed: bool
) -> None:
    """Its plan is gone by then, and the rig is still being put at rest."""
    with daemon(tmp_path) as served:
        job = served.begin("capture", part="3001", steps=3)
        session = served.await_event(job, "CaptureStarted")["plan"]["session"]
        assert served.await_job(job)["state"] == "finished"
    request = ResumeRequest() if is_resumed else CaptureRequest(part=PART, steps=3)
    JobFile(tmp_path / "daemon").begin(Interrupted(started_at="then", request=request, session=session))
    with daemon(tmp_path) as served:
        assert served.state()["interrupted"] is not None
        status, problem = served.ask("POST", "/interrupted/resume", {})
        assert (status, problem["detail"]) == (422, "all views of it were taken")
        assert served.get("/jobs") == []
        assert served.ask("DELETE", "/interrupted")[0] == 204
    assert len(pictures(tmp_path)) == 3
