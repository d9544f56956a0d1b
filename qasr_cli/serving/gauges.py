"""The figures of a server, in Prometheus' form.

In go events, and a service that is looked at when somebody asks; out comes text. Labels are from fixed sets:
nothing of a client's is in them.
"""

from __future__ import annotations

import time

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from qasr_cli.serving.jobs import Job
from qasr_cli.serving.service import Service
from qasr_cli.timebase import SAMPLE_RATE_HZ
from qasr_cli.version import __version__

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter, which nobody reads
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3600)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Gauges:
    """The figures of one server, in a registry of its own.

    Args:
        service: The service that they are of.
    """

    def __init__(self, service: Service) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "qasr_requests_total", "Requests.", ("endpoint", "code"), registry=self._registry
        )
        self._seconds = Histogram(
            "qasr_request_seconds",
            "Time from a request's head to the end of its answer.",
            ("endpoint",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._queue = Histogram(
            "qasr_queue_seconds",
            "Time from a job's arrival to its first chunk in the engine.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._batches = Histogram(
            "qasr_batch_chunks", "Chunks in a batch.", buckets=_SIZES, registry=self._registry
        )
        self._places = Counter(
            "qasr_batch_places_total",
            "Chunks that all batches had room for; qasr_batch_chunks_sum by it is how full they were.",
            registry=self._registry,
        )
        self._rejected = Counter(
            "qasr_rejected_total", "Requests that were refused.", ("reason",), registry=self._registry
        )
        Gauge("qasr_info", "Version.", ("version",), registry=self._registry).labels(__version__).set(1)
        self._registry.register(_OfService(service))
        service.lane.counts.on_batch = self._batch
        service.on_begun = self._begun

    def answered(self, endpoint: str, status: int, seconds: float) -> None:
        """Count a request.

        Args:
            endpoint: The template of its path, such as `/v1/jobs/{id}`.
            status: The HTTP status of its answer.
            seconds: Its time.
        """
        self._requests.labels(endpoint, str(status)).inc()
        self._seconds.labels(endpoint).observe(seconds)
        if endpoint != _HEALTH and (reason := _REASONS.get(status)):
            self._rejected.labels(reason).inc()

    def text(self) -> bytes:
        """Return all figures."""
        return generate_latest(self._registry)

    def _batch(self, size: int, most: int, seconds: float) -> None:
        self._batches.observe(size)
        self._places.inc(most)

    def _begun(self, job: Job) -> None:
        self._queue.observe(max(0.0, time.time() - job.created_s))


_HEALTH = "/health"  # its 503 is a state, and refuses nobody
_REASONS = {
    401: "key",
    403: "foreign",
    408: "slow",
    413: "size",
    503: "overload",
}


class _OfService(Collector):
    """Figures that a service has anyway, read when they are asked for."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> list[GaugeMetricFamily | CounterMetricFamily]:
        """Return the figures."""
        service, lane = self._service, self._service.lane
        gauges = (
            ("qasr_chunks_waiting", "Chunks that wait for the engine.", lane.n_waiting),
            ("qasr_chunks_running", "Chunks in the engine.", lane.n_running),
            ("qasr_waiting_audio_seconds", "Audio that is not recognised yet.", service.waiting_ms / 1000),
            ("qasr_recordings_open", "Recordings that are not over.", service.n_open),
            ("qasr_live_sessions", "Live sessions.", service.live.n_open),
            ("qasr_model_loaded", "Whether the model is in memory.", int(lane.engines is not None)),
        )
        counters = (
            ("qasr_audio_seconds_total", "Audio in all batches.", lane.counts.audio_ms / 1000),
            ("qasr_engine_busy_seconds_total", "Time in which devices computed batches.", lane.counts.busy_s),
            ("qasr_live_busy_seconds_total", "Time in which they computed live sessions.", lane.calls.busy_s),
            ("qasr_live_sessions_opened_total", "Live sessions so far.", service.live.n_opened),
            (
                "qasr_live_audio_seconds_total",
                "Audio of live sessions.",
                service.live.n_samples / SAMPLE_RATE_HZ,
            ),
        )
        jobs = GaugeMetricFamily("qasr_jobs", "Jobs that are known.", labels=["state"])
        for state, count in service.jobs.counts().items():
            jobs.add_metric([state.value], count)
        return [
            *(GaugeMetricFamily(name, text, value=value) for name, text, value in gauges),
            *(CounterMetricFamily(name, text, value=value) for name, text, value in counters),
            jobs,
        ]
