"""Announcements: signed, at least once, in order per case."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

from serving.schemas import answers
from serving.webhooks import WebhookSender
from serving.worker import Worker
from tests.serving.bench import Bench
from tests.serving.receiver import SECRET, Receiver
from triage_ml.errors import DeliveryFailed
from triage_ml.ports import Delivery


@pytest.fixture
def worker(bench: Bench, receiver: Receiver) -> Iterator[Worker]:
    sender = WebhookSender(SecretStr(receiver.url), SecretStr(SECRET))
    yield Worker(bench.service, sender)
    bench.run(sender.close)


def decide(bench: Bench, item_id: str) -> str:
    """Report, claim and decide an item; give its case id."""
    receipt = bench.report(item_id=item_id)
    claimed = bench.claim(receipt["queue"])
    path = f"/v1/cases/{receipt['case_id']}/decision"
    body = {"claim_id": claimed["claim"]["claim_id"], "action": "no_action"}
    assert bench.post(path, body, scope="review").is_success
    return str(receipt["case_id"])


def test_a_decision_arrives_signed(bench: Bench, receiver: Receiver, worker: Worker) -> None:
    """The platform gets type, item, action and findings, and can verify who sent it."""
    case_id = decide(bench, "post-1")
    assert bench.run(worker.deliver_round) == 1
    (event,) = receiver.verified()
    assert event["type"] == "case.decided"
    assert event["data"]["case_id"] == case_id
    assert (event["data"]["item_id"], event["data"]["action"]) == ("post-1", "no_action")
    assert event.keys() == answers.ANNOUNCEMENT.keys()
    assert event["data"].keys() == answers.ANNOUNCEMENT["data"].keys()
    assert "loser" not in receiver.received[0][1]
    assert bench.run(worker.deliver_round) == 0


def test_a_tampered_announcement_does_not_verify(
    bench: Bench, receiver: Receiver, worker: Worker
) -> None:
    """The signature covers the body."""
    decide(bench, "post-1")
    bench.run(worker.deliver_round)
    headers, body = receiver.received[0]
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace("no_action", "remove_content"), headers)


@pytest.mark.parametrize("status", [500, 404, 302])
def test_an_announcement_that_was_not_taken_comes_again(
    bench: Bench, receiver: Receiver, worker: Worker, status: int
) -> None:
    """Any answer but 2xx is tried again later under the same id; redirects are not followed."""
    receiver.answers = [status, status]
    decide(bench, "post-1")
    waits = []
    for pause in (0, 5, 10):
        bench.clock.advance(timedelta(seconds=pause))
        waits.append(bench.run(worker.deliver_round))
    assert waits == [0, 0, 1]
    assert len(receiver.verified()) == 3
    assert len({headers["webhook-id"] for headers, _ in receiver.received}) == 1


def test_announcements_of_a_case_keep_their_order(
    bench: Bench, receiver: Receiver, worker: Worker
) -> None:
    """While the decision has not arrived its appeal waits; other cases go on."""
    receiver.answers = [503]
    first = decide(bench, "post-1")
    appeal = {"complainant_ref": "author-1", "grounds": "It was a quote."}
    assert bench.post(f"/v1/cases/{first}/appeal", appeal).is_success
    second = decide(bench, "post-2")
    assert bench.run(worker.deliver_round) == 1
    bench.clock.advance(timedelta(seconds=5))
    assert [bench.run(worker.deliver_round) for _ in range(3)] == [1, 1, 0]
    seen = [(event["data"]["case_id"], event["type"]) for event in receiver.verified()]
    assert seen == [
        (first, "case.decided"), (second, "case.decided"),
        (first, "case.decided"), (first, "case.appealed"),
    ]  # fmt: skip


def test_a_failure_never_names_the_address(bench: Bench) -> None:
    """The URL may hold a token, so a failed delivery says what happened and not where."""
    sender = WebhookSender(SecretStr("http://127.0.0.1:1/hook?token=hush"), SecretStr(SECRET))
    with pytest.raises(DeliveryFailed) as failed:
        bench.run(sender, DELIVERY)
    assert failed.value.reason == "ConnectError"
    bench.run(sender.close)


DELIVERY = Delivery(1, uuid4(), {"type": "case.decided"}, datetime(2026, 1, 5, tzinfo=UTC), 1)


async def deliver_to(answer: bytes, drip: bytes) -> None:
    """Send an announcement to a server that answers so and then drips, until it is left."""

    left = asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(drip)
                await writer.drain()
                await asyncio.sleep(0.01)
        writer.close()
        left.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sender = WebhookSender(SecretStr(f"http://127.0.0.1:{port}/hook"), SecretStr(SECRET))
    async with server, asyncio.timeout(30):
        try:
            await sender(DELIVERY)
        finally:
            await sender.close()
            await left.wait()


def test_a_dripping_answer_is_given_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that always sends a little more holds up the others no longer than a dead one."""
    monkeypatch.setattr("serving.webhooks.TIMEOUT_SECONDS", 0.2)
    with pytest.raises(DeliveryFailed) as failed:
        bench.run(deliver_to, b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n")
    assert failed.value.reason == "no answer within 0.2 s"


def test_of_an_answer_only_the_status_is_read(bench: Bench) -> None:
    """A body without an end does not matter: the announcement has arrived."""
    bench.run(deliver_to, b"HTTP/1.1 200 OK\r\n\r\n", b"x")


def test_without_a_webhook_announcements_wait(bench: Bench, receiver: Receiver) -> None:
    """They stay in the outbox until a webhook is set, and then arrive."""
    decide(bench, "post-1")
    assert bench.run(Worker(bench.service, None).deliver_round) == 0
    sender = WebhookSender(SecretStr(receiver.url), SecretStr(SECRET))
    assert bench.run(Worker(bench.service, sender).deliver_round) == 1
    assert json.loads(receiver.received[0][1])["data"]["item_id"] == "post-1"
    bench.run(sender.close)
