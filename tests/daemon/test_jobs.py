"""A job as everybody may tell it what to do: paused, asked, answered, cancelled, stopped, in any order."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from rig.catalog import PartNumber
from rig.daemon.job import Job, JobState, JobView
from rig.errors import AnsweredAlready, BadInput
from rig.jobs.requests import BatchRequest, CaptureRequest, PassRequest, SortRequest
from tests.daemon.daemons import Served, daemon

PART = PartNumber("3001")


def nothing() -> None:
    pass


class Watched:
    """A job, and all that it tells."""

    def __init__(self, *, attended: bool = True) -> None:
        self.told: list[JobView] = []
        self.job = Job(CaptureRequest(part=PART, attended=attended), "boot-0", self._note)
        self._changed = threading.Condition()

    def _note(self, view: JobView) -> None:
        with self._changed:
            self.told.append(view)
            self._changed.notify_all()

    @property
    def states(self) -> list[JobState]:
        return [view.state for view in self.told]

    def await_question(self) -> Any:
        """The next question that is asked, for as long as it takes."""
        with self._changed:
            self._changed.wait_for(lambda: self.told and self.told[-1].question is not None)
            return self.told[-1].question


class Asking:
    """A thread that asks a question of a job's."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.answers: list[str] = []
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        self.answers.append(self._job.choose("What now?", ["retry", "skip"]))

    def join(self) -> list[str]:
        self._thread.join(timeout=30)
        assert not self._thread.is_alive()
        return self.answers


def test_a_pause_lasts_until_it_goes_on() -> None:
    watched = Watched()
    watched.job.pause()
    going = threading.Thread(target=watched.job.wait_while_paused, daemon=True)
    going.start()
    going.join(timeout=0.05)
    assert going.is_alive()
    watched.job.go_on()
    going.join(timeout=30)
    assert not going.is_alive()
    assert watched.states == [JobState.PAUSED, JobState.RUNNING]


def test_pausing_twice_and_going_on_twice_is_said_once() -> None:
    watched = Watched()
    for tell in (watched.job.pause, watched.job.pause, watched.job.go_on, watched.job.go_on):
        tell()
    assert watched.states == [JobState.PAUSED, JobState.RUNNING]


def test_the_first_answer_counts() -> None:
    watched = Watched()
    asking = Asking(watched.job)
    question = watched.await_question()
    with pytest.raises(BadInput, match="'stay' is no answer"):
        watched.job.answer(question.id, "stay")
    watched.job.answer(question.id, "skip")
    with pytest.raises(AnsweredAlready):
        watched.job.answer(question.id, "retry")
    assert asking.join() == ["skip"]
    assert watched.states == [JobState.WAITING, JobState.RUNNING]
    assert watched.told[-1].question is None


def test_an_answer_to_another_question_is_none() -> None:
    watched = Watched()
    asking = Asking(watched.job)
    question = watched.await_question()
    with pytest.raises(AnsweredAlready):
        watched.job.answer("00000000", "skip")
    watched.job.answer(question.id, "retry")
    assert asking.join() == ["retry"]


def test_a_job_that_is_told_to_end_asks_nobody_any_more() -> None:
    watched = Watched()
    Asking(watched.job)
    question = watched.await_question()
    watched.job.begin_to_end(JobState.CANCELLING, nothing)
    assert watched.told[-1].question is None
    with pytest.raises(AnsweredAlready):
        watched.job.answer(question.id, "skip")
    assert watched.job.state is JobState.CANCELLING


def test_a_question_that_comes_after_the_end_was_told_changes_nothing() -> None:
    watched = Watched()
    watched.job.begin_to_end(JobState.STOPPING, nothing)
    asking = threading.Thread(target=watched.job.ask, args=("Lay a part",), daemon=True)
    asking.start()
    asking.join(timeout=0.05)
    assert watched.states == [JobState.STOPPING]
    assert watched.job.view().question is None


def test_a_job_paused_on_its_way_to_a_question_stands_still_after_the_answer() -> None:
    watched = Watched()
    watched.job.pause()
    asking = Asking(watched.job)
    question = watched.await_question()
    watched.job.answer(question.id, "skip")
    asking.join()
    assert watched.states == [JobState.PAUSED, JobState.WAITING, JobState.PAUSED]
    watched.job.go_on()
    assert watched.job.state is JobState.RUNNING


def test_a_job_paused_while_it_asks_stands_still_after_the_answer() -> None:
    watched = Watched()
    asking = Asking(watched.job)
    question = watched.await_question()
    watched.job.pause()
    watched.job.answer(question.id, "skip")
    asking.join()
    assert watched.job.state is JobState.PAUSED


def test_a_cancel_is_passed_on_once_and_a_stop_each_time() -> None:
    watched, passed = Watched(), list[JobState]()

    def tell(state: JobState) -> None:
        watched.job.begin_to_end(state, lambda: passed.append(state))

    cancel, stop = JobState.CANCELLING, JobState.STOPPING
    for state in (cancel, cancel, stop, cancel, stop):
        tell(state)
    assert passed == [cancel, stop, stop]
    assert watched.states == [cancel, stop]
    watched.job.end(JobState.STOPPED)
    tell(stop)
    tell(cancel)
    assert passed == [cancel, stop, stop]
    assert watched.job.state is JobState.STOPPED


def test_where_nobody_is_there_nobody_is_asked() -> None:
    watched = Watched(attended=False)
    with pytest.raises(BadInput, match="nobody can be asked: Lay a part"):
        watched.job.ask("Lay a part")
    assert not watched.told


# Through a daemon.


def test_a_view_of_a_job_is_short_however_long_the_list_or_the_plan() -> None:
    long = "part\n" + 10_000 * "3001\n"
    for request in (
        BatchRequest(source="list", table=long),
        SortRequest(follow=PassRequest(name="plan.toml", plan=long, number=2)),
    ):
        job = Job(request, "boot-0", lambda view: None)
        assert len(job.view().model_dump_json()) < 1000
        # What is run, and what is kept for after a power cut, is all of it.
        assert len(job.request.model_dump_json()) > len(long)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with daemon(tmp_path_factory.mktemp("jobs")) as served:
        yield served


def paused(served: Served) -> str:
    """A capture that stands still after its first views."""
    job = served.begin("capture", part="3001", steps=144)
    served.await_event(job, "ViewTaken")
    assert served.post(f"/jobs/{job}/pause")["state"] == "paused"
    return job


def test_a_capture_runs_to_its_end(served: Served) -> None:
    job = served.begin("capture", part="3001", steps=6)
    ended = served.await_job(job)
    assert (ended["state"], ended["done"], ended["total"], ended["problem"]) == ("finished", 6, 6, None)
    assert ended["request"]["part"] == "3001"
    assert ended["started_at"] < ended["ended_at"]
    assert len(list(served.folder.glob("captures/3001/*.jpg"))) >= 6


def test_a_paused_job_goes_on_where_it_was(served: Served) -> None:
    job = paused(served)
    assert served.state()["job"]["id"] == job
    assert served.post(f"/jobs/{job}/resume")["state"] == "running"
    ended = served.await_job(job)
    assert (ended["state"], ended["done"]) == ("finished", 144)


def test_a_paused_job_can_be_cancelled_and_says_what_is_kept(served: Served) -> None:
    job = paused(served)
    served.post(f"/jobs/{job}/cancel")
    ended = served.await_job(job)
    assert ended["state"] == "cancelled"
    assert "rig capture --resume" in " ".join(ended["problem"]["notes"])
    assert not (served.folder / "daemon" / "job.json").exists()
    resumed = served.begin("resume")
    assert served.await_job(resumed)["state"] == "finished"


def test_a_paused_job_can_be_stopped(served: Served) -> None:
    job = paused(served)
    served.post(f"/jobs/{job}/stop")
    assert served.await_job(job)["state"] == "stopped"


def test_cancelling_twice_is_cancelling_and_what_is_over_stays_as_it_ended(served: Served) -> None:
    job = paused(served)
    assert served.post(f"/jobs/{job}/cancel")["state"] in ("cancelling", "cancelled")
    assert served.post(f"/jobs/{job}/cancel")["state"] in ("cancelling", "cancelled")
    ended = served.await_job(job)
    for deed in ("pause", "resume", "cancel", "stop"):
        assert served.post(f"/jobs/{job}/{deed}") == ended


def test_a_job_that_is_cancelled_before_it_has_begun_never_does(served: Served) -> None:
    for _ in range(5):
        job = served.begin("capture", part="3001", steps=72)
        served.post(f"/jobs/{job}/cancel")
        assert served.await_job(job)["state"] == "cancelled"


def test_a_second_job_is_refused_with_what_runs(served: Served) -> None:
    job = paused(served)
    status, problem = served.ask("POST", "/jobs", {"kind": "sort"})
    assert (status, problem["type"]) == (409, "/problems/RigBusy")
    assert "the rig is in use by a job: Capturing 3001" in problem["detail"]
    status, problem = served.ask("POST", "/machine/reconnect", {})
    assert (status, problem["detail"]) == (409, "a job runs: Capturing 3001")
    served.post("/stop")
    assert served.job(job)["state"] == "stopped"


def test_a_stop_answers_when_the_rig_is_at_rest(served: Served) -> None:
    job = paused(served)
    stopped = served.post("/stop")
    assert (stopped["job"]["id"], stopped["job"]["state"]) == (job, "stopped")
    assert served.post("/stop") == {"job": None}


def test_a_job_that_fails_tells_why_and_what_helps(served: Served) -> None:
    job = served.begin("sort", model="nowhere")
    ended = served.await_job(job)
    assert ended["state"] == "failed"
    assert ended["problem"]["type"] == "/problems/ModelError"
    assert "there is no model nowhere" in ended["problem"]["detail"]
    assert ended["problem"]["hint"]
    assert served.state()["last_job"] == ended
    assert served.get("/jobs")[0] == ended


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/jobs", {"kind": "capture"}, 422),
        ("/jobs", {"kind": "capture", "part": "../etc"}, 422),
        ("/jobs", {"kind": "capture", "part": None}, 422),
        ("/jobs", {"kind": "capture", "part": "3001", "pose_names": [None]}, 422),
        ("/jobs", {"kind": "dance"}, 422),
        ("/jobs/000000000000/cancel", {}, 404),
        ("/jobs/nonsense/cancel", {}, 422),
        ("/jobs/000000000000/answer", {"question_id": "00000000"}, 404),
        ("/interrupted/resume", {}, 404),
    ],
)
def test_what_cannot_be_done_is_a_problem(served: Served, path: str, body: Any, status: int) -> None:
    answered, problem = served.ask("POST", path, body)
    assert answered == status == problem["status"]
    assert problem["detail"]


def test_a_list_that_cannot_be_used_names_its_line(served: Served) -> None:
    table = "part,steps\n3001,3\nno such part,3\n"
    job = served.begin("batch", source="page", table=table)
    problem = served.await_job(job)["problem"]
    assert problem["status"] == 422
    assert "line 3" in problem["detail"]
