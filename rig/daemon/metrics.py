"""Figures for Prometheus."""

import threading

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, generate_latest

from rig.daemon.daemon import Daemon
from rig.daemon.job import Job
from rig.jobs.run import JobEvent
from rig.sorting.events import PartAstray, PartReturned, PartSorted
from rig.sorting.trouble import Trouble

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """What the daemon counts since its start, and how it is when it is asked."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._parts = Counter("brickrig_parts", "Parts that left the table", ["bin"], registry=self._registry)
        self._astray = Counter(
            "brickrig_parts_astray", "Parts that lie in no bin that is known", registry=self._registry
        )
        self._troubles = Counter(
            "brickrig_troubles", "What sorting had to wait for", ["kind"], registry=self._registry
        )
        self._events = Counter("brickrig_job_events", "Events of jobs", ["kind"], registry=self._registry)
        for name, what, value in (
            ("brickrig_board_ready", "1 if the board is ready", self._is_ready),
            ("brickrig_job_running", "1 if a job runs", lambda: float(daemon.running is not None)),
            ("brickrig_live_viewers", "Who look at the live picture", lambda: float(daemon.live.viewers)),
            ("brickrig_event_followers", "Who follow the events", lambda: float(daemon.events.followers)),
            ("brickrig_threads", "Threads of the daemon", lambda: float(threading.active_count())),
        ):
            Gauge(name, what, registry=self._registry).set_function(value)
        daemon.on_event.append(self._count)

    def text(self) -> bytes:
        """All figures in Prometheus's text format."""
        return generate_latest(self._registry)

    def _is_ready(self) -> float:
        return float(self._daemon.keeper.board.is_ready)

    def _count(self, job: Job, event: JobEvent) -> None:
        self._events.labels(job.request.kind).inc()
        match event:
            case PartSorted() | PartReturned():
                self._parts.labels(event.bin_name).inc()
            case PartAstray():
                self._astray.inc()
            case Trouble():
                self._troubles.labels(event.kind.value).inc()
