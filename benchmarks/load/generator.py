"""Open-loop load over HTTP/1.1, as a process of its own that needs the standard library alone.

    python generator.py plan.json result.json

A request is sent when the plan says, whether or not earlier ones were answered, and its latency
counts from that moment: a server that stalls delays the requests behind it, and they say so (no
coordinated omission). Connections are kept alive; one is opened when none is idle.
"""

import asyncio
import gc
import json
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

MAX_CONNECTIONS = 800
"""Requests on their way at once; more wait here, and their latency counts on."""
LEAD_SECONDS = 0.05
"""Between opening the first connections and the first request."""
NO_ANSWER = 0


@dataclass(frozen=True)
class Plan:
    """What to send, and when: `times` are seconds from the beginning, rising.

    `keys` are Idempotency-Keys, one a request, or none. `keep` also gives the answers back.
    """

    host: str
    port: int
    path: str
    headers: dict[str, str]
    bodies: Sequence[str]
    times: Sequence[float]
    keys: Sequence[str] = ()
    timeout_seconds: float = 10.0
    keep: bool = False


@dataclass
class Result:
    """What became of each request, in the plan's order.

    `latencies` are seconds from the planned moment to the whole answer, None without one;
    `lateness` is how long after its moment a request went out; `cpu_share` is of one core.
    """

    statuses: list[int]
    latencies: list[float | None]
    lateness: list[float]
    n_retried: int = 0
    n_connections: int = 0
    cpu_share: float = 0.0
    answers: list[str] = field(default_factory=list)


class _Connection(asyncio.Protocol):
    """One kept-alive connection; holds at most one request at a time."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._status = 0
        self._end = -1  # bytes of the whole answer; -1: not known yet, -2: chunked
        self.number = -1
        self.n_answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, number: int, data: bytes) -> None:
        assert self._transport is not None
        self.number = number
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._end == -1 and not self._read_head():
            return
        chunked_end = self._end == -2 and self._buffer.endswith(b"0\r\n\r\n")
        if chunked_end or 0 <= self._end <= len(self._buffer):
            self._finish()

    def connection_lost(self, _error: Exception | None) -> None:
        untouched = self.n_answered > 0 and not self._buffer
        self._load.lost(self, self.number, may_retry=untouched)
        self.number = -1

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _read_head(self) -> bool:
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return False
        head = bytes(self._buffer[:head_end]).lower()
        self._status = int(head[9:12])
        at = head.find(b"\r\ncontent-length:")
        if at >= 0:
            self._end = head_end + 4 + int(head[at + 17 :].split(b"\r\n", 1)[0])
        else:
            self._end = -2
        return True

    def _finish(self) -> None:
        body = bytes(self._buffer).partition(b"\r\n\r\n")[2] if self._load.plan.keep else b""
        number, status = self.number, self._status
        self._buffer.clear()
        self._end = self.number = -1
        self.n_answered += 1
        self._load.answered(self, number, status, body)


class Load:
    """One run of a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        n = len(plan.times)
        self.result = Result([NO_ANSWER] * n, [None] * n, [0.0] * n)
        if plan.keep:
            self.result.answers = [""] * n
        self._requests = [_request(plan, number) for number in range(n)]
        self._retried = [False] * n
        self._open = n
        self._idle: list[_Connection] = []
        self._all: set[_Connection] = set()
        self._n_opening = 0
        self._waiting: deque[int] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._begin = 0.0
        self._done = asyncio.Event()

    async def run(self) -> Result:
        """Send everything, wait for the answers or the time limit, and give the result."""
        cpu, wall = time.process_time(), time.perf_counter()
        self._begin = time.perf_counter() + LEAD_SECONDS
        for number, due in enumerate(self.plan.times):
            wait = self._begin + due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            self._dispatch(number)
        try:
            async with asyncio.timeout(self.plan.timeout_seconds):
                if self._open:
                    await self._done.wait()
        except TimeoutError:
            pass  # what has no answer by now has none
        used, took = time.process_time() - cpu, time.perf_counter() - wall
        self.result.cpu_share = used / took
        for connection in tuple(self._all):
            connection.number = -1
            connection.close()
        return self.result

    def answered(self, connection: _Connection, number: int, status: int, body: bytes) -> None:
        now = time.perf_counter()
        if number >= 0 and self.result.statuses[number] == NO_ANSWER:
            self.result.statuses[number] = status
            self.result.latencies[number] = now - self._begin - self.plan.times[number]
            if self.plan.keep:
                self.result.answers[number] = body.decode("utf-8", "replace")
            self._settle()
        if self._waiting:
            self._send(connection, self._waiting.popleft())
        else:
            self._idle.append(connection)

    def lost(self, connection: _Connection, number: int, *, may_retry: bool) -> None:
        """Forget a connection; a request on one that the server had left idle is sent again."""
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if number < 0:
            return
        if may_retry and not self._retried[number]:
            self._retried[number] = True
            self.result.n_retried += 1
            self._dispatch(number)
        else:
            self._settle()

    def _dispatch(self, number: int) -> None:
        if self._idle:
            self._send(self._idle.pop(), number)
            return
        self._waiting.append(number)
        if len(self._all) + self._n_opening < MAX_CONNECTIONS:
            self._n_opening += 1
            task = asyncio.get_running_loop().create_task(self._connect())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                lambda: _Connection(self), self.plan.host, self.plan.port
            )
        except OSError:
            if self._waiting:  # refused: that request has failed
                self._waiting.popleft()
                self._settle()
            return
        finally:
            self._n_opening -= 1
        self._all.add(connection)
        self.result.n_connections += 1
        if self._waiting:
            self._send(connection, self._waiting.popleft())
        else:
            self._idle.append(connection)

    def _send(self, connection: _Connection, number: int) -> None:
        late = time.perf_counter() - self._begin - self.plan.times[number]
        self.result.lateness[number] = late
        connection.send(number, self._requests[number])

    def _settle(self) -> None:
        self._open -= 1
        if self._open == 0:
            self._done.set()


def _request(plan: Plan, number: int) -> bytes:
    body = plan.bodies[number].encode()
    headers = {
        "Host": f"{plan.host}:{plan.port}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **plan.headers,
    }
    if plan.keys:
        headers["Idempotency-Key"] = plan.keys[number]
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {plan.path} HTTP/1.1\r\n{head}\r\n".encode() + body


def run_plan(plan: Plan) -> Result:
    """Run a plan in this process."""

    async def run() -> Result:
        return await Load(plan).run()

    return asyncio.run(run())


def main(source: str, target: str) -> None:
    raw: dict[str, Any] = json.loads(Path(source).read_text("utf-8"))
    gc.disable()  # a pause here would count as the server's
    result = run_plan(Plan(**raw))
    Path(target).write_text(json.dumps(asdict(result)), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
