"""The line to an MQTT broker: it is looked for again and again, whatever happens, and nobody waits for it."""

import logging
import ssl
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt.client import (
    Client,
    ConnectFlags,
    DisconnectFlags,
    MQTTMessage,
    MQTTMessageInfo,
    MQTTv311,
)
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from rig.daemon.redaction import Secrets
from rig.errors import ConfigError
from rig.mqtt_config import MqttConfig

# A rig whose computer lost its power is found to be offline after one and a half times as long.
_KEEPALIVE_S = 30
_LONGEST_WAIT_S = 60
_MOST_IN_FLIGHT = 20
_SAY_GOODBYE_S = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Message:
    """Something to be published.

    Attributes:
        payload: empty for a retained one to be forgotten.
        retain: for whoever comes later; a newer one of the topic takes its place.
    """

    topic: str
    payload: str
    retain: bool = False


class Broker:
    """Connected from `open` to `close`, as far as there is a broker. All callbacks come from its own thread.

    Args:
        secrets: told the password, which must never be read in a log.
        will: what the broker publishes when this process is gone without a word.
        inbox: the topic that is listened to.
        connected: called whenever it is connected, anew or at last.
        has_room: called when a message has gone.
        heard: takes what is published to `inbox`, and whether that was retained.

    Raises:
        ConfigError: the password or the certificates cannot be read.
    """

    def __init__(
        self,
        config: MqttConfig,
        secrets: Secrets,
        *,
        will: Message,
        inbox: str,
        connected: Callable[[], None],
        has_room: Callable[[], None],
        heard: Callable[[bytes, bool], None],
    ) -> None:
        self._address = f"{config.host}:{config.port}"
        self._inbox = inbox
        self._connected = connected
        self._in_flight: list[MQTTMessageInfo] = []
        self._is_connected = threading.Event()
        self._is_closed = threading.Event()
        self._said = ""
        # Always the same for one rig: a broker that still holds its line from before a power cut gives that
        # one up, and its will, when the rig is back; later the will would belie what was published since. And
        # MQTT 3.1.1, since every broker speaks that.
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=f"{config.base_topic}-{config.rig}", protocol=MQTTv311
        )
        self._client.will_set(will.topic, will.payload, qos=1, retain=will.retain)
        _introduce(self._client, config, secrets)
        self._client.max_inflight_messages_set(_MOST_IN_FLIGHT)
        self._client.max_queued_messages_set(2 * _MOST_IN_FLIGHT)
        self._client.reconnect_delay_set(1, _LONGEST_WAIT_S)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = lambda client, data, number, reason, properties: has_room()
        self._client.on_message = lambda client, data, message: _hand_on(message, heard)
        self._client.connect_async(config.host, config.port, _KEEPALIVE_S)

    def open(self) -> None:
        """Begin to look for the broker."""
        self._client.loop_start()

    @property
    def is_ready(self) -> bool:
        """Whether a message would go now: there is a broker, and not too much is under way to it."""
        self._in_flight = [info for info in self._in_flight if not _has_gone(info)]
        return self._is_connected.is_set() and len(self._in_flight) < _MOST_IN_FLIGHT

    def publish(self, message: Message) -> None:
        """Hand a message to the thread of the line.

        One to be retained is lost where the line breaks: it is out of date when there is another. Any other
        one is sent again then.
        """
        qos = 0 if message.retain else 1
        self._in_flight.append(self._client.publish(message.topic, message.payload, qos, message.retain))

    def close(self, last: Message) -> None:
        """Publish a last message and hang up; returns within a second or so."""
        if self._is_connected.is_set():
            self._client.publish(last.topic, last.payload, 0, last.retain)
            self._client.disconnect()
            self._is_closed.wait(_SAY_GOODBYE_S)
        # Its thread may be waiting for a broker that does not answer; it ends with this process.

    def _on_connect(
        self,
        client: Client,
        data: object,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._say(f"the MQTT broker {self._address} refuses this rig: {reason}")
            return
        _log.info("connected with the MQTT broker %s", self._address)
        self._said = ""
        client.subscribe(self._inbox, qos=1)
        self._is_closed.clear()
        self._is_connected.set()
        self._connected()

    def _on_connect_fail(self, client: Client, data: object) -> None:
        # It is called while the exception is dealt with, and not told of it.
        self._say(f"no MQTT broker at {self._address}: {sys.exc_info()[1]}")

    def _on_disconnect(
        self,
        client: Client,
        data: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if self._is_connected.is_set() and reason.is_failure:
            self._say(f"the MQTT broker {self._address} is lost: {reason}")
        self._is_connected.clear()
        self._is_closed.set()

    def _say(self, what: str) -> None:
        """Once, not at every attempt."""
        if what != self._said:
            self._said = what
            _log.warning("%s; the rig goes on without, and tries again", what)


def _introduce(client: Client, config: MqttConfig, secrets: Secrets) -> None:
    """Who this is, and whom it believes to be the broker."""
    if config.user:
        password = _password(config.password_file)
        secrets.keep(password or "")
        client.username_pw_set(config.user, password)
    if config.tls:
        try:
            client.tls_set(config.ca_file or None)
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "reason", None) or error.strerror or "it holds no certificate in PEM form"
            raise ConfigError(
                f"{config.ca_file or 'TLS'} of [mqtt] cannot be used: {reason}",
                hint="name a file of certificates that may vouch for the broker, as ca_file",
            ) from error


def _password(file: str) -> str | None:
    """The first line of a file."""
    if not file:
        return None
    try:
        return Path(file).read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError(
            f"password_file {file} of [mqtt] cannot be read: {reason}",
            hint="write the password into it, and let the daemon's user read it",
        ) from error


def _has_gone(info: MQTTMessageInfo) -> bool:
    try:
        return info.is_published()
    except (ValueError, RuntimeError):
        return True  # it never will


def _hand_on(message: MQTTMessage, heard: Callable[[bytes, bool], None]) -> None:
    heard(bytes(message.payload), message.retain)
