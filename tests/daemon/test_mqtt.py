"""Rigs under one broker: what they tell it, what they take from it, and what happens while it is gone."""

import base64
import hashlib
import json
import re
import socket
from collections import Counter
from pathlib import Path

import pytest
import trustme

from rig.mqtt_config import MqttConfig
from rig.sorting.ledger import Ledger, RunId
from tests.daemon.fleet import ALLOWED, MOSQUITTO, Heard, Mosquitto, broker, daemon, dashboard

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="Debian's mosquitto is not installed")

# A job that lasts until it is told to end.
LONG = json.dumps({"command": "start", "id": "7", "request": {"kind": "sort", "count": 100_000}})


def test_whoever_comes_late_finds_what_was_retained(tmp_path: Path, mosquitto: Mosquitto) -> None:
    with daemon(tmp_path / "late", mosquitto) as rig:
        with dashboard(mosquitto) as early:
            early.state("late", state="idle", model="m")
        # It says nothing more now, and this one was not there before.
        with dashboard(mosquitto) as late:
            for topic in ("availability", "state", "question", "counts/bins", "counts/parts"):
                assert late.wait(f"brickrig/late/{topic}").retained
            assert late.wait("brickrig/late/availability").payload == "online"
            state = late.state("late")
            assert state["board"]["status"] == "ready" and state["source"] == "simulated"
            assert state["job"] is None and state["problem"] == ""
        assert rig.process.poll() is None


def test_sorting_is_told_part_by_part_and_counted_as_the_ledger_does(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    with daemon(tmp_path / "sorter", mosquitto) as rig, dashboard(mosquitto) as board:
        board.state("sorter", state="idle")
        job = rig.begin(kind="sort", count=12)["id"]
        board.state("sorter", state="running")
        state = board.state("sorter", state="idle", parts_sorted=12)
        assert state["last_job"]["id"] == job and state["last_job"]["state"] == "finished"
        assert state["parts_a_minute"] > 0 and state["part"] is None
        parts = board.wait("brickrig/sorter/counts/parts", lambda heard: _total(heard) == 12).json
        bins = board.wait("brickrig/sorter/counts/bins", lambda heard: heard.json["3004"]["level"] == 12).json
        told = board.of("brickrig/sorter/decision")
    with Ledger(rig.folder / "ledger_simulated") as ledger:
        rows = ledger.rows(RunId(parts["run"]))
    assert not any(heard.retained for heard in told)
    decisions = [heard.json for heard in told]
    assert [decision["number"] for decision in decisions] == [row.number for row in rows]
    assert {decision["job"] for decision in decisions} == {job}
    for decision, row in zip(decisions, rows, strict=True):
        assert decision["part"] == row.part and decision["bin"] == row.bin
        assert decision["outcome"] == row.outcome
        assert decision["confidence"] == pytest.approx(row.probability, abs=1e-4)
        assert (decision["colour"] is None) == (row.colour is None)
    assert parts["parts"] == dict(Counter(row.part for row in rows if row.part and row.outcome == "dropped"))
    assert bins["reject"] == {"level": 0, "capacity": None}


def test_a_capture_tells_how_far_it_is(tmp_path: Path, mosquitto: Mosquitto) -> None:
    with daemon(tmp_path / "capturer", mosquitto) as rig, dashboard(mosquitto) as board:
        board.state("capturer", state="idle")
        rig.begin(kind="capture", part="3001", steps=24, poses=2)
        board.state("capturer", state="running", part="3001")
        state = board.state("capturer", state="idle")
        assert state["last_job"]["done"] == state["last_job"]["total"] == 48
        seen = [
            heard.json["job"]["done"] for heard in board.of("brickrig/capturer/state") if heard.json["job"]
        ]
        assert seen == sorted(seen, key=lambda done: done or 0) and len(set(seen)) > 1


def test_what_a_job_asks_stands_there_until_it_is_answered(tmp_path: Path, mosquitto: Mosquitto) -> None:
    (tmp_path / "faults.toml").write_text('[[fault]]\nkind = "stall"\nmatches = "G1 X"\nat = 1\n')
    faults = f'faults = "{tmp_path / "faults.toml"}"'
    with daemon(tmp_path / "asker", mosquitto, sim=faults) as rig, dashboard(mosquitto) as board:
        board.state("asker", state="idle")
        job = rig.begin(kind="batch", source="list", table="part,steps\n3001,4\n")["id"]
        asked = board.wait("brickrig/asker/question", lambda heard: heard.json is not None).json
        assert asked["job"] == job and "What now?" in asked["sentence"] and "skip" in asked["answers"]
        board.state("asker", state="waiting")
        with dashboard(mosquitto) as late:
            assert late.wait("brickrig/asker/question").json == asked
        question = json.loads(rig.ask(f"GET /api/v1/jobs/{job}").body)["question"]["id"]
        answer = {"question_id": question, "answer": "skip"}
        after = board.mark()
        assert rig.ask(f"POST /api/v1/jobs/{job}/answer", answer).status == 202
        board.wait("brickrig/asker/question", lambda heard: heard.json is None, after=after)
        board.ended("asker", job)


def test_troubles_are_told_with_their_end(tmp_path: Path, mosquitto: Mosquitto) -> None:
    (tmp_path / "faults.toml").write_text(
        '[[fault]]\nkind = "camera-stalls"\nmatches = "M280 P1 S110"\nat = 2\nduration_s = 8\n'
    )
    faults = f'faults = "{tmp_path / "faults.toml"}"'
    with daemon(tmp_path / "troubled", mosquitto, sim=faults) as rig, dashboard(mosquitto) as board:
        board.state("troubled", state="idle")
        rig.begin(kind="sort", count=6)
        trouble = board.wait("brickrig/troubled/trouble").json
        assert trouble["kind"] == "camera" and trouble["what"] and not trouble["is_over"]
        board.wait("brickrig/troubled/trouble", lambda heard: heard.json["is_over"])
        assert board.state("troubled", state="idle", parts_sorted=6)["problem"] == ""


def test_the_broker_says_when_a_rig_was_killed(tmp_path: Path, mosquitto: Mosquitto) -> None:
    with daemon(tmp_path / "victim", mosquitto) as rig, dashboard(mosquitto) as board:
        board.state("victim", state="idle")
        rig.process.kill()
        board.wait("brickrig/victim/availability", lambda heard: heard.payload == "offline")
    with dashboard(mosquitto) as late:
        assert late.wait("brickrig/victim/availability") == Heard(
            "brickrig/victim/availability", "offline", True
        )
    # It comes back, and is not taken for dead by what was left of it.
    with daemon(tmp_path / "victim", mosquitto), dashboard(mosquitto) as board:
        board.state("victim", state="idle")
        board.wait("brickrig/victim/availability", lambda heard: heard.payload == "online")


def test_a_rig_that_is_told_to_end_says_so(tmp_path: Path, mosquitto: Mosquitto) -> None:
    with dashboard(mosquitto) as board:
        with daemon(tmp_path / "leaver", mosquitto) as rig:
            board.wait("brickrig/leaver/availability", lambda heard: heard.payload == "online")
        assert rig.process.returncode == 0, rig.log()
        board.wait("brickrig/leaver/availability", lambda heard: heard.payload == "offline")


def test_commands_are_refused_unless_they_are_allowed(tmp_path: Path, mosquitto: Mosquitto) -> None:
    with daemon(tmp_path / "closed", mosquitto) as rig, dashboard(mosquitto) as board:
        board.state("closed", state="idle")
        answer = board.command("closed", LONG)
        assert (answer["accepted"], answer["id"], answer["command"]) == (False, "7", "start")
        assert "takes no commands" in answer["what"] and "allow_commands" in answer["hint"]
        job = rig.begin(kind="sort", count=100_000)["id"]
        board.state("closed", state="running")
        for command in ("pause", "resume", "stop", "cancel"):
            assert not board.command("closed", json.dumps({"command": command}))["accepted"]
        assert json.loads(rig.ask(f"GET /api/v1/jobs/{job}").body)["state"] == "running"


def test_commands_are_taken_where_they_are_allowed(tmp_path: Path, mosquitto: Mosquitto) -> None:
    with daemon(tmp_path / "open", mosquitto, ALLOWED), dashboard(mosquitto) as board:
        board.state("open", state="idle")
        assert board.command("open", '{"command": "pause"}')["what"] == "no job runs"
        started = board.command("open", LONG)
        assert started["accepted"] and started["id"] == "7"
        board.wait("brickrig/open/decision")
        second = board.command("open", LONG)
        assert not second["accepted"] and "in use by a job" in second["what"]
        assert board.command("open", '{"command": "resume"}')["accepted"]
        paused = board.command("open", '{"command": "pause"}')
        assert paused["accepted"] and paused["job"] == started["job"]
        board.state("open", state="paused")
        assert board.command("open", '{"command": "resume"}')["accepted"]
        board.state("open", state="running")
        assert board.command("open", '{"command": "stop"}')["accepted"]
        assert board.ended("open", started["job"])["last_job"]["state"] == "stopped"
        third = board.command("open", LONG)
        assert third["accepted"]
        assert board.command("open", '{"command": "cancel"}')["accepted"]
        assert board.ended("open", third["job"])["last_job"]["state"] == "cancelled"


def test_a_command_that_the_broker_kept_is_not_taken(tmp_path: Path, mosquitto: Mosquitto) -> None:
    with dashboard(mosquitto) as board:
        board.client.publish("brickrig/kept/command", LONG, qos=1, retain=True)
        board.wait("brickrig/kept/command")
        with daemon(tmp_path / "kept", mosquitto, ALLOWED):
            answer = board.wait("brickrig/kept/response").json
            assert not answer["accepted"] and "retained" in answer["what"]
            assert board.state("kept", state="idle")["last_job"] is None
            # To delete it is no command.
            board.client.publish("brickrig/kept/command", "", qos=1, retain=True)
            assert board.command("kept", '{"command": "stop"}')["what"] == "no job runs"


NONSENSE = (
    " ",
    "pause",
    "null",
    "[]",
    "{}",
    '{"command": "explode"}',
    '{"command": "pause", "more": 1}',
    '{"command": "pause", "request": {"kind": "sort"}}',
    '{"command": "start"}',
    '{"command": "start", "request": {"kind": "sort", "count": 0}}',
    '{"command": "start", "request": {"kind": "sort", "count": 1e400}}',
    '{"command": "start", "request": {"kind": "capture", "part": "../../etc/passwd"}}',
    '{"command": "start", "request": {"kind": "sort", "cuont": 1}}',
    '{"command": "pause", "id": "' + "x" * 101 + '"}',
    "[" * 100_000,
    '{"command": "pause"' + " " * (1 << 20) + "}",
    "\x00\x01\ud7ff",
)


def test_nonsense_is_answered_and_does_no_harm(tmp_path: Path, mosquitto: Mosquitto) -> None:
    with daemon(tmp_path / "deaf", mosquitto, ALLOWED) as rig, dashboard(mosquitto) as board:
        board.state("deaf", state="idle")
        for payload in NONSENSE:
            answer = board.command("deaf", payload)
            assert not answer["accepted"] and answer["what"], payload[:100]
            assert len(json.dumps(answer)) < 1000, payload[:100]
        after = board.mark()
        board.client.publish("brickrig/deaf/command", b'\xff\xfe{"command"', qos=1)
        assert not board.wait("brickrig/deaf/response", after=after).json["accepted"]
        assert board.state("deaf", state="idle")["last_job"] is None
        assert board.command("deaf", LONG)["accepted"]
        assert "Traceback" not in rig.log()


def test_all_goes_on_after_the_broker_was_started_anew(tmp_path: Path) -> None:
    with broker(tmp_path / "broker") as own, daemon(tmp_path / "patient", own, ALLOWED) as rig:
        with dashboard(own) as board:
            board.state("patient", state="idle")
            rig.begin(kind="sort", count=100_000)
            board.wait("brickrig/patient/decision")
            own.stop()
            rig.await_log("broker .* is lost")
            number = _sorted_by(rig.ask("GET /api/v1/state").body)
            own.start()
            # The sorting never waited; what was retained is there although the broker forgot all of it.
            later = board.wait("brickrig/patient/decision", lambda heard: heard.json["number"] > number)
            assert later.json["outcome"] == "dropped"
            board.wait("brickrig/patient/availability", after=board.heard.index(later))
        with dashboard(own) as late:
            assert late.wait("brickrig/patient/availability").payload == "online"
            assert late.wait("homeassistant/button/brickrig_patient/stop/config").retained
            assert late.command("patient", '{"command": "cancel"}')["accepted"]
            late.state("patient", state="idle")
        assert len(re.findall("connected with the MQTT broker", rig.log())) == 2
        assert len(re.findall("is lost", rig.log())) == 1


def test_while_there_is_no_broker_only_so_much_is_kept(tmp_path: Path) -> None:
    with broker(tmp_path / "broker", starts=False) as own, daemon(tmp_path / "lonely", own) as rig:
        rig.await_log("no MQTT broker at")
        rig.begin(kind="sort", count=280)
        rig.await_log("sort finished")
        own.start()
        with dashboard(own) as board:
            board.wait("brickrig/lonely/decision", lambda heard: heard.json["number"] == 280)
            # The newest state alone, and of the decisions the newest few hundred.
            assert board.state("lonely", state="idle")["parts_sorted"] == 280
            # What was not confirmed in time may come twice.
            numbers = sorted({heard.json["number"] for heard in board.of("brickrig/lonely/decision")})
            assert 200 < len(numbers) <= 256
            assert numbers == list(range(281 - len(numbers), 281))
            states = board.of("brickrig/lonely/state")
            assert {heard.json["state"] for heard in states} == {"idle"}
        assert len(re.findall("no MQTT broker", rig.log())) == 1


def test_a_wrong_password_is_one_line_and_the_rig_works_on(tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("guessed\n")
    passwords = tmp_path / "passwords"
    _set_password(passwords, "rig", "right")
    with broker(tmp_path / "broker", "allow_anonymous false", f"password_file {passwords}") as own:
        login = f'user = "rig"\npassword_file = "{tmp_path / "wrong"}"'
        with daemon(tmp_path / "locked", own, login) as rig:
            line = rig.await_log("refuses this rig")
            assert f"127.0.0.1:{own.port}" in line and "Traceback" not in rig.log()
            rig.begin(kind="capture", part="3001", steps=4, poses=1)
            rig.await_log("capture finished")
            # Refused again by now, or not: it is said once.
            assert len(re.findall("MQTT broker", rig.log())) == 1
            assert "guessed" not in rig.log()
        (tmp_path / "wrong").write_text("right\n")
        with daemon(tmp_path / "locked", own, login) as rig, dashboard(own, "rig", "right") as board:
            board.state("locked", state="idle")
            assert b"right" not in rig.ask("GET /api/v1/state").body


def test_two_rigs_at_one_broker_do_not_mix(tmp_path: Path, mosquitto: Mosquitto) -> None:
    with (
        daemon(tmp_path / "one", mosquitto, ALLOWED),
        daemon(tmp_path / "two", mosquitto, ALLOWED) as two,
        dashboard(mosquitto) as board,
    ):
        board.state("one", state="idle")
        board.state("two", state="idle")
        request = {"kind": "sort", "count": 5}
        job = board.command("one", json.dumps({"command": "start", "request": request}))["job"]
        board.state("one", state="idle", parts_sorted=5)
        # What the second one does from here on comes after whatever it could have heard of the first.
        state = board.ended("two", two.begin(kind="capture", part="3039", steps=4, poses=1)["id"])
        assert state["parts_sorted"] == 0 and state["last_job"]["kind"] == "capture"
        assert {heard.json["job"] for heard in board.of("brickrig/one/decision")} == {job}
        assert board.of("brickrig/two/decision") == []
        ids = [heard.json["unique_id"] for heard in board.heard if heard.topic.startswith("homeassistant/")]
        assert len(ids) == len(set(ids))


def test_the_broker_has_to_prove_who_it_is(tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    stranger.cert_pem.write_to_path(str(tmp_path / "stranger.pem"))
    options = (f"certfile {tmp_path / 'cert.pem'}", f"keyfile {tmp_path / 'key.pem'}", "allow_anonymous true")
    with broker(tmp_path / "broker", *options) as own:
        with daemon(tmp_path / "secret", own, f'tls = true\nca_file = "{tmp_path / "ca.pem"}"') as rig:
            rig.await_log("connected with the MQTT broker")
        with daemon(tmp_path / "secret", own, f'tls = true\nca_file = "{tmp_path / "stranger.pem"}"') as rig:
            assert "certificate verify failed" in rig.await_log("no MQTT broker at")
            assert rig.ask("GET /api/v1/state").status == 200


@pytest.mark.parametrize(
    ("mqtt", "said"),
    [
        ('user = "rig"\npassword_file = "absent"', "password_file absent of .* cannot be read"),
        ('tls = true\nca_file = "absent"', "absent of .* cannot be used: No such file"),
        ('tls = true\nca_file = "rig.toml"', "rig.toml of .* cannot be used"),
    ],
)
def test_what_cannot_be_used_is_said_at_the_start(
    tmp_path: Path, mosquitto: Mosquitto, mqtt: str, said: str
) -> None:
    with pytest.raises(AssertionError, match=said) as failed, daemon(tmp_path / "wrong", mosquitto, mqtt):
        pass
    assert "Traceback" not in str(failed.value)


@pytest.mark.parametrize(
    "values",
    [
        {"host": "a b"},
        {"host": "x" * 64},
        {"host": "a/b"},
        {"base_topic": "rigs/#"},
        {"base_topic": "/rigs"},
        {"name": "a/b"},
        {"name": "+"},
        {"discovery_prefix": "$SYS"},
        {"port": 0},
        {"ca_file": "ca.pem"},
        {"password_file": "password"},
    ],
)
def test_what_would_reach_others_topics_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        MqttConfig.model_validate(values)


@pytest.mark.parametrize("host", ["", "broker", "broker.example.org.", "10.0.0.7", "fe80::1"])
def test_hosts_have_names_or_addresses(host: str) -> None:
    assert MqttConfig(host=host).host == host


def test_a_rig_without_a_name_is_called_as_its_computer() -> None:
    assert MqttConfig(name="left").rig == "left"
    assert re.sub("[^A-Za-z0-9_-]+", "-", socket.gethostname()) == MqttConfig().rig


def _total(heard: Heard) -> int:
    return sum(heard.json["parts"].values())


def _sorted_by(state: bytes) -> int:
    return int(json.loads(state)["job"]["done"])


def _set_password(file: Path, user: str, password: str) -> None:
    """As mosquitto_passwd does."""
    salt = b"0123456789ab"
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    file.write_text(f"{user}:$7$101${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}\n")
