"""What Home Assistant is told of a rig, so that it shows it without being set up (MQTT discovery).

https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from rig.bin_config import BinConfig
from rig.config import Config
from rig.daemon.board import BoardStatus
from rig.daemon.job import JobState
from rig.daemon.mqtt_topics import OFFLINE, ONLINE, Topics

Document = dict[str, Any]

_STATES = ("idle", *JobState, *(status for status in BoardStatus if status is not BoardStatus.READY))


@dataclass(frozen=True)
class _Entity:
    """Something that is shown, or pressed.

    Attributes:
        kind: of Home Assistant's, such as `sensor`.
        key: no other one of this rig has it; it stays the same, since what people set up refers to it.
    """

    kind: str
    key: str
    name: str
    more: Document


def discovery(config: Config, topics: Topics) -> dict[str, Document | None]:
    """What is retained where, by topic; None where nothing is to stand any more. Empty without a prefix."""
    mqtt = config.mqtt
    if not mqtt.discovery_prefix:
        return {}
    documents: dict[str, Document | None] = {}
    for entity in [*_sensors(topics), *(_bin_sensor(topics, bin_) for bin_ in config.bins)]:
        documents[_topic(config, entity)] = _document(config, topics, entity)
    for button in _buttons(topics):
        # One that does nothing is a riddle.
        shown = _document(config, topics, button) if mqtt.allow_commands else None
        documents[_topic(config, button)] = shown
    return documents


def _topic(config: Config, entity: _Entity) -> str:
    return f"{config.mqtt.discovery_prefix}/{entity.kind}/{_node(config)}/{entity.key}/config"


def _node(config: Config) -> str:
    """A name for the rig that fits one level of a topic, and no other rig's."""
    return f"{config.mqtt.base_topic.replace('/', '_')}_{config.mqtt.rig}"


def _document(config: Config, topics: Topics, entity: _Entity) -> Document:
    node = _node(config)
    return {
        "name": entity.name,
        "unique_id": f"{node}_{entity.key}",
        "availability_topic": topics.availability,
        "payload_available": ONLINE,
        "payload_not_available": OFFLINE,
        "device": {
            "identifiers": [node],
            "name": config.mqtt.rig,
            "manufacturer": "brickrig",
            "model": "Simulated brick rig" if config.sim.enabled else "Brick rig",
            "sw_version": version("brickrig"),
        },
        "origin": {"name": "brickrig", "sw_version": version("brickrig")},
        **entity.more,
    }


def _sensors(topics: Topics) -> Iterator[_Entity]:
    def of_state(template: str, **more: object) -> Document:
        return {"state_topic": topics.state, "value_template": template, **more}

    yield _Entity(
        "sensor",
        "state",
        "State",
        of_state(
            "{{ value_json.state }}",
            device_class="enum",
            options=[str(state) for state in _STATES],
            icon="mdi:state-machine",
        ),
    )
    # What is no value, such as of no part, Home Assistant calls unknown.
    part = of_state("{{ value_json.part or 'none' }}", icon="mdi:toy-brick-search")
    yield _Entity("sensor", "part", "Current part", part)
    rate = of_state(
        "{{ value_json.parts_a_minute }}",
        unit_of_measurement="parts/min",
        state_class="measurement",
        icon="mdi:speedometer",
    )
    yield _Entity("sensor", "parts_a_minute", "Parts a minute", rate)
    sorted_ = of_state(
        "{{ value_json.parts_sorted }}",
        unit_of_measurement="parts",
        state_class="total_increasing",
        icon="mdi:counter",
    )
    yield _Entity("sensor", "parts_sorted", "Parts sorted", sorted_)
    board = of_state("{{ 'ON' if value_json.board.status == 'ready' else 'OFF' }}")
    yield _Entity("binary_sensor", "board", "Board", board | {"device_class": "connectivity"})
    problem = of_state("{{ 'ON' if value_json.problem else 'OFF' }}", json_attributes_topic=topics.state)
    problem["json_attributes_template"] = "{{ {'problem': value_json.problem} | tojson }}"
    yield _Entity("binary_sensor", "problem", "Problem", problem | {"device_class": "problem"})


def _bin_sensor(topics: Topics, bin_: BinConfig) -> _Entity:
    # A string of JSON in ASCII is one of Jinja as well.
    level = {
        "state_topic": topics.bins,
        "value_template": f"{{{{ value_json[{json.dumps(bin_.name)}].level }}}}",
        "unit_of_measurement": "parts",
        "state_class": "measurement",
        "icon": "mdi:tray-full",
    }
    return _Entity("sensor", f"bin_{_key(bin_.name)}", f"Bin {bin_.name}", level)


def _key(name: str) -> str:
    """A name for a topic: the same where it can be, else one that no other name gets."""
    plain = re.sub("[^A-Za-z0-9_-]", "_", name)
    return plain if plain == name else f"{plain}_{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _buttons(topics: Topics) -> Iterator[_Entity]:
    for command, icon in (("pause", "mdi:pause"), ("resume", "mdi:play"), ("stop", "mdi:stop")):
        press = {"command_topic": topics.command, "payload_press": json.dumps({"command": command})}
        yield _Entity("button", command, command.capitalize(), press | {"icon": icon})
