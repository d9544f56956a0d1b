"""`make bench-serve`: qasr's server and vLLM's own, in turn, with the same demo model and similar clips.

    python -m tests.bench.serving                        all
    python -m tests.bench.serving --only throughput --clients 1,32

In go the samples; out come tables on standard output and a dated JSON file in `tests/bench/results/`. Both
servers compute with one thread in fp32, one after the other in turn, and each answers clips of its own. vLLM
takes part if `make vllm` has installed it. CPU seconds are those of a server with all its processes.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests import demo_pair
from tests.bench.contest import machine
from tests.bench.serving import clips, load, servers
from tests.bench.serving.clips import Clip
from tests.bench.serving.servers import Server

RESULTS = Path(__file__).parents[1] / "results"
PARTS = ("throughput", "dictation", "memory", "stream")
_WARM_UP = 8
_FILM_MIN = 20


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas")
    parser.add_argument("--clients", default="1,8,32,128")
    parser.add_argument("--requests", type=int, default=256, help="at each number of clients")
    parser.add_argument("--rounds", type=int, default=2)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # or the servers would stay
    parser.add_argument("--long", type=int, default=5000, help="requests of the memory test")
    arguments = parser.parse_args()
    parts, endless = arguments.only.split(","), clips.endless()
    figures: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(servers.qasr())]
        if servers.VLLM_PYTHON.is_file():
            running.append(stack.enter_context(servers.vllm()))
        else:
            _say("vLLM is left out: make vllm installs it")
        for server in running:
            load.run(server.url, server.model, endless, n_clients=4, n_requests=_WARM_UP)
        counts = [int(count) for count in arguments.clients.split(",")]
        if "throughput" in parts:
            rows = [
                throughput(server, endless, count, arguments.requests)
                for _ in range(arguments.rounds)
                for count in counts
                for server in running
            ]
            figures["throughput"] = rows
        if "dictation" in parts:
            figures["dictation"] = dictation(running[0])
        if "stream" in parts:
            figures["stream"] = first_event(running[0])
        if "memory" in parts:
            figures["memory"] = memory(running[0], endless, arguments.long)
    _write(figures)


def throughput(server: Server, endless: Iterator[Clip], n_clients: int, n_requests: int) -> dict[str, Any]:
    """Return requests a second and audio seconds per CPU second with so many clients."""
    before_cpu_s, before = server.cpu_s(), _batches(server)
    n_requests = max(4 * n_clients, n_requests if n_clients > 1 else n_requests // 4)
    done = load.run(server.url, server.model, endless, n_clients=n_clients, n_requests=n_requests)
    cpu_s = server.cpu_s() - before_cpu_s
    row: dict[str, Any] = {
        "server": server.name,
        "clients": n_clients,
        "requests": n_requests,
        "failures": len(done.failures),
        "requests_per_s": round(len(done.texts) / done.seconds, 1),
        "audio_s": round(done.audio_s, 1),
        "cpu_s": round(cpu_s, 2),
        "audio_s_per_cpu_s": round(done.audio_s / cpu_s, 1),
        "p50_ms": done.percentile_ms(0.5),
        "p95_ms": done.percentile_ms(0.95),
    }
    if before is not None:
        n_batches, n_chunks = (now - then for now, then in zip(_batches(server) or (), before, strict=True))
        row["chunks_per_batch"] = round(n_chunks / max(1, n_batches), 1)
    _say(json.dumps(row))
    return row


def _batches(server: Server) -> tuple[float, float] | None:
    """Return how many batches qasr has computed, and how many chunks in them."""
    if server.name != "qasr serve":
        return None
    return server.metric("qasr_batch_chunks_count"), server.metric("qasr_batch_chunks_sum")


def dictation(server: Server) -> dict[str, Any]:
    """Return the latency of 3-second sentences, alone and while a film is transcribed."""
    talk = _talk()
    sentences = clips.variants(talk[16_000 * 2 : 16_000 * 5])
    alone = load.run(server.url, server.model, sentences, n_clients=1, n_requests=40)
    film = clips.clip(_looped(talk, _FILM_MIN * 60))
    over = threading.Event()

    def transcribe_film() -> None:
        load.run(server.url, server.model, iter([film]), n_clients=1, n_requests=1)
        over.set()

    thread = threading.Thread(target=transcribe_film)
    thread.start()
    time.sleep(3)
    beside = load.Load()
    while not over.is_set() and len(beside.latencies_s) < 60:
        one = load.run(server.url, server.model, sentences, n_clients=1, n_requests=1)
        if not over.is_set():
            beside.latencies_s += one.latencies_s
        time.sleep(0.2)
    thread.join()
    row = {
        "film_min": _FILM_MIN,
        "alone_p50_ms": alone.percentile_ms(0.5),
        "alone_p95_ms": alone.percentile_ms(0.95),
        "beside_film_p50_ms": beside.percentile_ms(0.5),
        "beside_film_p95_ms": beside.percentile_ms(0.95),
        "sentences": len(beside.latencies_s),
    }
    _say(json.dumps(row))
    return row


def _talk() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        return demo_pair.talk(Path(folder))


def _looped(talk: Any, seconds: int) -> Any:
    import numpy as np

    return np.tile(talk, -(-seconds * 16_000 // len(talk)))[: seconds * 16_000]


def first_event(server: Server) -> dict[str, Any]:
    """Return how long after the request the first bytes and the first text of a streamed talk come."""
    talk = clips.clip(_talk())
    body, kind = load.form(talk, model=server.model, stream="true", language="en")
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=600)
    begun_s = time.monotonic()
    connection.request("POST", "/v1/audio/transcriptions", body, headers={"Content-Type": kind})
    answer = connection.getresponse()
    row: dict[str, Any] = {"audio_s": round(talk.seconds, 1), "status": answer.status}
    row["answer_begins_ms"] = round(1000 * (time.monotonic() - begun_s))
    for line in answer:
        if b"transcript.text.delta" in line and "first_text_ms" not in row:
            row["first_text_ms"] = round(1000 * (time.monotonic() - begun_s))
    row["done_ms"] = round(1000 * (time.monotonic() - begun_s))
    _say(json.dumps(row))
    return row


def memory(server: Server, endless: Iterator[Clip], n_requests: int) -> dict[str, Any]:
    """Return the resident memory on the way through many requests."""
    sizes = []
    for _ in range(10):
        load.run(server.url, server.model, endless, n_clients=16, n_requests=n_requests // 10)
        sizes.append(round(server.rss_mb(), 1))
    row = {"requests": n_requests, "rss_mb": sizes, "growth_mb": round(sizes[-1] - sizes[1], 1)}
    _say(json.dumps(row))
    return row


def _write(figures: dict[str, Any]) -> None:
    day = datetime.now(UTC).date().isoformat()
    path = RESULTS / f"{day}-serving.json"
    document = {"machine": machine.describe(servers.ROOT, servers.VLLM_PYTHON), **figures}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    _say(f"written: {path}")


if __name__ == "__main__":
    main()
