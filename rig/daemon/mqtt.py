"""Tells an MQTT broker how the rig is and what it decides, and takes commands from there if that is allowed.

The thread that owns the rig only puts a note into a queue. A thread of its own makes documents of the notes,
and paho's publishes them. While there is no broker, what is retained is kept at its newest, and of what
passes by the last few hundred messages.
"""

import json
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from types import TracebackType
from typing import Any, Self

from rig.daemon.broker import Broker, Message
from rig.daemon.bulletin import Bulletin, Note, PartEnded, note_of, trouble_document
from rig.daemon.daemon import Daemon
from rig.daemon.home_assistant import discovery
from rig.daemon.job import Job
from rig.daemon.mqtt_commands import Reply, obey
from rig.daemon.mqtt_topics import OFFLINE, ONLINE, Topics
from rig.daemon.redaction import Secrets
from rig.jobs.run import JobEvent
from rig.sorting.trouble import Trouble, TroubleOver

_PASSING_KEPT = 256
_AT_ONCE = 10
# How often at most: a simulated rig in accelerated time may sort hundreds of parts a second.
_STATE_EVERY_S = 0.2
_COUNTS_EVERY_S = 1.0
# How often at least, while the rate of parts falls.
_FADING_EVERY_S = 5.0

_log = logging.getLogger(__name__)


class _Sign(Enum):
    CHANGED = "something of the state may be another"
    CONNECTED = "there is a broker, which may know nothing"
    ROOM = "a message has gone"
    END = "the daemon ends"


@dataclass(frozen=True)
class _Noted:
    job: str
    note: Note


_News = _Sign | _Noted | Reply


class Mqtt:
    """Tells the broker of rig.toml what happens while the block runs; does nothing where there is none.

    Args:
        daemon: whose rig it is.
        secrets: of the log, for the broker's password.

    Raises:
        ConfigError: its password or certificates cannot be read.
    """

    def __init__(self, daemon: Daemon, secrets: Secrets) -> None:
        config = daemon.config.mqtt
        self._daemon = daemon
        self._topics = Topics.of(config)
        # As in the keeper: a signal handler may put something into it, in the middle of anything.
        self._news: queue.SimpleQueue[_News] = queue.SimpleQueue()
        self._bulletin = Bulletin(daemon)
        self._passing: deque[Message | PartEnded] = deque(maxlen=_PASSING_KEPT)
        self._told: dict[str, str] = {}
        self._due_s = {"state": 0.0, "counts": 0.0}
        self._stale = {"state", "counts"}
        self._thread = threading.Thread(target=self._work, name="mqtt", daemon=True)
        self._broker: Broker | None = None
        if config.host:
            self._broker = Broker(
                config,
                secrets,
                will=Message(self._topics.availability, OFFLINE, retain=True),
                inbox=self._topics.command,
                connected=partial(self._news.put, _Sign.CONNECTED),
                has_room=partial(self._news.put, _Sign.ROOM),
                heard=self._hear,
            )

    def __enter__(self) -> Self:
        if self._broker is not None:
            self._daemon.on_event.append(self._on_event)
            self._daemon.events.on_told.append(self._on_told)
            self._thread.start()
            self._broker.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._broker is not None:
            self._daemon.on_event.remove(self._on_event)
            self._daemon.events.on_told.remove(self._on_told)
            self._news.put(_Sign.END)
            self._thread.join()
            self._broker.close(Message(self._topics.availability, OFFLINE, retain=True))

    # In the threads of others: nothing may wait here.

    def _on_event(self, job: Job, event: JobEvent) -> None:
        note = note_of(job, event)
        if note is not None:
            self._news.put(_Noted(job.id, note))

    def _on_told(self, name: str) -> None:
        # Each event of a job comes as a note as well, if it matters.
        if name != "event":
            self._news.put(_Sign.CHANGED)

    def _hear(self, payload: bytes, retained: bool) -> None:
        # What was retained is deleted by an empty message, which is no command.
        if payload:
            self._news.put(obey(self._daemon, payload, retained=retained))

    # In its own thread.

    def _work(self) -> None:
        assert self._broker is not None, "it is begun with one"
        while _Sign.END not in (news := list(self._some_news())):
            try:
                for each in news:
                    self._take(each)
                self._publish(self._broker)
            except Exception:  # noqa: BLE001 - the rig outlives it, and it is logged
                # A mistake of ours: nobody else is to notice, and the queue is not to grow.
                _log.exception("what happened could not be told to the MQTT broker")

    def _some_news(self) -> Iterator[_News]:
        """All that there are, once there are any, or something is due."""
        try:
            yield self._news.get(timeout=self._wait_s())
            while True:
                yield self._news.get_nowait()
        except queue.Empty:
            return

    def _wait_s(self) -> float | None:
        """Until something can be published again; None where nothing has to be."""
        now_s = time.monotonic()
        is_ready = self._broker is not None and self._broker.is_ready
        waits = [max(0.0, self._due_s[what] - now_s) for what in self._stale] if is_ready else []
        if self._bulletin.changes_by_itself:
            waits.append(_FADING_EVERY_S)
        return min(waits, default=None)

    def _take(self, news: _News) -> None:
        match news:
            case _Noted():
                self._bulletin.note(news.note)
                self._stale.add("state")
                if isinstance(news.note, PartEnded):
                    self._stale.add("counts")
                    self._passing.append(news.note)
                elif isinstance(news.note, (Trouble, TroubleOver)):
                    self._pass_by(self._topics.trouble, trouble_document(news.job, news.note))
            case Reply():
                self._pass_by(self._topics.response, news.model_dump(mode="json"))
            case _Sign.CHANGED:
                # Bins are emptied between two jobs, or at the start of one.
                self._stale |= {"state", "counts"}
            case _Sign.CONNECTED:
                self._told.clear()
                self._stale |= {"state", "counts"}
                self._due_s = dict.fromkeys(self._due_s, 0.0)

    def _pass_by(self, topic: str, document: dict[str, Any]) -> None:
        self._passing.append(Message(topic, _as_json(document)))

    def _publish(self, broker: Broker) -> None:
        """As much as the broker takes now, and is due."""
        while self._passing and broker.is_ready:
            for message in self._next_passing():
                broker.publish(message)
        if broker.is_ready:
            for message in self._retained():
                if self._told.get(message.topic) != message.payload:
                    self._told[message.topic] = message.payload
                    broker.publish(message)

    def _next_passing(self) -> Iterable[Message]:
        """The next one; decisions are read from the ledger, several at a time."""
        first = self._passing.popleft()
        if isinstance(first, Message):
            return [first]
        ended = [first]
        while self._passing and isinstance(self._passing[0], PartEnded) and len(ended) < _AT_ONCE:
            ended.append(self._passing.popleft())  # type: ignore[arg-type]
        return [
            Message(self._topics.decision, _as_json(document)) for document in self._bulletin.decisions(ended)
        ]

    def _retained(self) -> Iterator[Message]:
        """What everybody may find at the broker, as far as it is due."""
        topics, config = self._topics, self._daemon.config
        if not self._told:
            for topic, document in discovery(config, topics).items():
                yield Message(topic, "" if document is None else _as_json(document), retain=True)
        if self._is_due("counts", _COUNTS_EVERY_S) and (counts := self._bulletin.counts()) is not None:
            yield Message(topics.bins, _as_json(counts[0]), retain=True)
            yield Message(topics.parts, _as_json(counts[1]), retain=True)
        if self._bulletin.changes_by_itself:
            self._stale.add("state")
        if self._is_due("state", _STATE_EVERY_S):
            yield Message(topics.question, _as_json(self._bulletin.question()), retain=True)
            yield Message(topics.state, _as_json(self._bulletin.state()), retain=True)
        # Last: who sees it finds all else.
        yield Message(topics.availability, ONLINE, retain=True)

    def _is_due(self, what: str, every_s: float) -> bool:
        """Whether it is to be put together anew now; it is not stale any more then."""
        now_s = time.monotonic()
        if what not in self._stale or now_s < self._due_s[what]:
            return False
        self._stale.discard(what)
        self._due_s[what] = now_s + every_s
        return True


def _as_json(document: dict[str, Any] | None) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
