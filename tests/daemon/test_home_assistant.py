"""What Home Assistant finds of a rig at the broker, and shows of it."""

import re
from pathlib import Path

import jinja2
import pytest

from tests.daemon.fleet import ALLOWED, MOSQUITTO, Dashboard, Heard, Mosquitto, daemon, dashboard

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="Debian's mosquitto is not installed")


def test_home_assistant_shows_what_the_state_says(tmp_path: Path, mosquitto: Mosquitto) -> None:
    bins = (
        '[[bins]]\nname = "reject"\nchute_deg = 0\n'
        '[[bins]]\nname = \'a "blue" one/#1\'\nchute_deg = 90\nparts = ["3004"]\n'
        '[[bins]]\nname = "rest"\nchute_deg = 170\nrest = true'
    )
    with daemon(tmp_path / "home", mosquitto, f"{ALLOWED}\n{bins}") as rig, dashboard(mosquitto) as board:
        board.state("home", state="idle")
        rig.begin(kind="sort", count=3)
        state = board.state("home", state="idle", parts_sorted=3)
        board.wait("brickrig/home/counts/bins", lambda heard: '"level":3' in heard.payload)
        shown = _shown(board, "home")
        assert shown["sensor/state"] == "idle" and shown["sensor/part"] == "none"
        assert shown["sensor/parts_sorted"] == "3"
        assert float(shown["sensor/parts_a_minute"]) == state["parts_a_minute"]
        assert shown["binary_sensor/board"] == "ON" and shown["binary_sensor/problem"] == "OFF"
        levels = {key: value for key, value in shown.items() if key.startswith("sensor/bin_")}
        assert sorted(levels.values()) == ["0", "0", "3"] and levels["sensor/bin_reject"] == "0"
        buttons = {heard.topic.split("/")[3]: heard.json for heard in _discovered(board, "home", "button")}
        assert set(buttons) == {"pause", "resume", "stop"}
        # What a button sends is a command, and reaches this rig.
        assert buttons["stop"]["command_topic"] == "brickrig/home/command"
        assert board.command("home", buttons["stop"]["payload_press"])["what"] == "no job runs"
        for heard in _discovered(board, "home"):
            document = heard.json
            assert document["availability_topic"] == "brickrig/home/availability"
            assert document["device"]["identifiers"] == ["brickrig_home"]
            assert document["device"]["sw_version"] == state["version"]
            assert document["unique_id"].startswith("brickrig_home_")
    # A rig that takes no commands any more has no buttons; all else is called what it was called.
    with daemon(tmp_path / "home", mosquitto, bins), dashboard(mosquitto) as board:
        board.state("home", state="idle")
        board.wait("brickrig/home/availability", lambda heard: heard.payload == "online")
        assert not [heard for heard in _discovered(board, "home", "button") if heard.payload]
        assert set(_shown(board, "home")) == set(shown)


def test_home_assistant_is_left_alone_where_nobody_wants_it(tmp_path: Path, mosquitto: Mosquitto) -> None:
    with daemon(tmp_path / "plain", mosquitto, 'discovery_prefix = ""'), dashboard(mosquitto) as board:
        board.state("plain", state="idle")
        board.wait("brickrig/plain/availability", lambda heard: heard.payload == "online")
        assert not _discovered(board, "plain")


def _discovered(board: Dashboard, rig: str, kind: str = "[a-z_]+") -> list[Heard]:
    pattern = re.compile(f"homeassistant/{kind}/brickrig_{rig}/[A-Za-z0-9_-]+/config")
    return [heard for heard in board.heard if pattern.fullmatch(heard.topic)]


def _shown(board: Dashboard, rig: str) -> dict[str, str]:
    """What Home Assistant would show, by kind and key."""
    shown = {}
    for heard in _discovered(board, rig):
        if heard.payload and "value_template" in heard.json:
            value = board.of(heard.json["state_topic"])[-1].json
            _, kind, _, key, _ = heard.topic.split("/")
            template = jinja2.Environment(autoescape=False).from_string(heard.json["value_template"])
            shown[f"{kind}/{key}"] = template.render(value_json=value)
    return shown
