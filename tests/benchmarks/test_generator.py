"""The load generator: requests leave on schedule, and latency counts from the schedule."""

import asyncio
import json
from itertools import pairwise

import pytest

from benchmarks.load.generator import Load, Plan
from benchmarks.load.window import poisson_times, quantile, summarise

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
REFUSED = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n"


class FakeServer:
    """Answers a request when `may_answer` is set, and can drop connections."""

    def __init__(self, answer: bytes = ANSWER) -> None:
        self.answer = answer
        self.may_answer = asyncio.Event()
        self.n_asked = 0
        self.n_connections = 0
        self.drop_after = 0  # answers on a connection; 0: keep it
        self.bodies: list[str] = []
        self.on_request = lambda: None

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        self.n_connections += 1
        n_answered = 0
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                self.bodies.append((await reader.readexactly(length)).decode())
                self.n_asked += 1
                self.on_request()
                await self.may_answer.wait()
                writer.write(self.answer)
                n_answered += 1
                if n_answered == self.drop_after:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def plan(port, times, **more):
    bodies = [json.dumps({"number": i}) for i in range(len(times))]
    return Plan("127.0.0.1", port, "/", {}, bodies, times, **more)


@pytest.mark.anyio
async def test_a_stall_delays_no_request_and_counts_from_the_schedule():
    """All are sent while none is answered; the first waits for the whole schedule."""
    times = [0.0, 0.05, 0.1, 0.15, 0.2]
    async with FakeServer() as server:

        def answer_when_all_are_here():
            if server.n_asked == len(times):
                server.may_answer.set()

        server.on_request = answer_when_all_are_here
        result = await Load(plan(server.port, times)).run()
    assert result.statuses == [200] * 5
    assert result.latencies[0] >= 0.2
    assert result.latencies == sorted(result.latencies, reverse=True)
    assert sorted(server.bodies) == sorted(plan(0, times).bodies)


@pytest.mark.anyio
async def test_a_late_request_counts_from_its_moment(monkeypatch):
    """With one connection the second waits here for the first, and that is part of its time."""
    monkeypatch.setattr("benchmarks.load.generator.MAX_CONNECTIONS", 1)
    async with FakeServer() as server:
        loop = asyncio.get_running_loop()
        server.on_request = lambda: loop.call_later(0.2, server.may_answer.set)
        result = await Load(plan(server.port, [0.0, 0.01])).run()
    assert server.n_connections == 1
    assert min(result.latencies) >= 0.1
    assert result.lateness[1] >= 0.1


@pytest.mark.anyio
@pytest.mark.parametrize("answer", [ANSWER, CHUNKED], ids=["length", "chunked"])
async def test_connections_are_kept(answer, monkeypatch):
    """One after another use one connection, however the answer says its length."""
    monkeypatch.setattr("benchmarks.load.generator.MAX_CONNECTIONS", 1)
    async with FakeServer(answer) as server:
        server.may_answer.set()
        result = await Load(plan(server.port, [0.0, 0.01, 0.02], keep=True)).run()
    assert result.statuses == [200] * 3
    assert (server.n_connections, result.n_connections) == (1, 1)
    assert all("ok" in answer for answer in result.answers)


@pytest.mark.anyio
async def test_a_connection_the_server_closed_while_idle_is_no_error():
    """A closed connection is replaced by a new one."""
    async with FakeServer() as server:
        server.may_answer.set()
        server.drop_after = 1
        result = await Load(plan(server.port, [0.0, 0.1])).run()
    assert result.statuses == [200, 200]
    assert server.n_connections == 2


@pytest.mark.anyio
async def test_no_answer_is_an_error_and_infinitely_late():
    """What is unanswered at the end of patience has status 0."""
    async with FakeServer() as server:
        times = [0.0]
        result = await Load(plan(server.port, times, timeout_seconds=0.05)).run()
    window = summarise(1.0, times, result, 0.0, 200.0)
    assert result.statuses == [0]
    assert (window.n_errors, window.in_time, window.answers) == (1, 0, {"none": 1})
    assert window.as_json()["p99_ms"] is None
    assert not window.passed


@pytest.mark.anyio
async def test_nobody_listening_is_an_error():
    """A refused connection ends the request."""
    async with FakeServer() as server:
        port = server.port
    result = await Load(plan(port, [0.0, 0.01])).run()
    assert result.statuses == [0, 0]


@pytest.mark.anyio
async def test_a_refusal_is_an_error_however_fast():
    """A 429 is no success."""
    async with FakeServer(REFUSED) as server:
        server.may_answer.set()
        result = await Load(plan(server.port, [0.0])).run()
    window = summarise(1.0, [0.0], result, 0.0, 10_000.0)
    assert (window.n_errors, window.passed) == (1, False)


def test_arrivals_are_a_seeded_poisson_schedule():
    """The rate is kept on the whole, the gaps vary as they do for independent arrivals."""
    times = poisson_times(100.0, 100.0, seed=3)
    gaps = [b - a for a, b in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert times == poisson_times(100.0, 100.0, seed=3) != poisson_times(100.0, 100.0, seed=4)
    assert times == sorted(times)
    assert times[-1] < 100.0
    assert mean == pytest.approx(0.01, rel=0.05)
    assert deviation == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize(("share", "wanted"), [(0.5, 2), (0.99, 4), (0.01, 1), (1.0, 4)])
def test_a_quantile_is_a_value_that_was_seen(share, wanted):
    """Nearest rank, no interpolation."""
    assert quantile([4, 1, 3, 2], share) == wanted
