"""What tests of the desk do again and again: take a case, read its form, send it."""

import re
from typing import Any
from uuid import UUID

from httpx2 import Response

from tests.console.person import PASSWORD, Person, PlainHasher
from tests.serving.bench import Bench
from tests.serving.conftest import MakeBench
from triage_ml.domain.case import Case

QUEUE = "std-en-safety"
FINDING = {
    "label": "harassment",
    "severity.harassment": "S2",
    "action": "remove_content",
    "facts": "A taunt.",
    "explanation": "It insults a person (policy 1.2).",
}
_CLAIM = re.compile(r'name="claim_id" value="([0-9a-f-]{36})"')


def bench_with_mara(make_bench: MakeBench, **changes: Any) -> Bench:
    """Start an app with one account, the reviewer Mara; `changes` are other parts of it."""
    bench = make_bench(hasher=PlainHasher(), **changes)
    bench.run(bench.service.accounts.create, "mara", "Mara Diaz", ["review"], PASSWORD)
    return bench


def take(person: Person, queue: str = QUEUE) -> str:
    """Claim the next case of a queue and give the address of its page."""
    answer = person.post(f"/console/queues/{queue}/next", {"csrf": person.token("/console/queues")})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def hold(person: Person) -> str:
    """Report one case and claim it."""
    person.bench.report()
    page = take(person)
    assert page.startswith("/console/cases/"), page
    return page


def claim_of(text: str) -> str:
    found = _CLAIM.search(text)
    assert found is not None
    return found[1]


def keys_of(person: Person, page: str) -> dict[str, Any]:
    """Give the hidden fields of a held case's forms."""
    return {"csrf": person.token(page), "claim_id": claim_of(person.get(page).text)}


def decide(person: Person, page: str, **fields: Any) -> Response:
    given = {**keys_of(person, page), **FINDING, **fields}
    return person.post(f"{page}/decide", given)


def id_of(page: str) -> UUID:
    return UUID(page.rpartition("/")[2].partition("?")[0])


def stored(person: Person, page: str) -> Case:
    """Give the case of a page as the store has it."""
    return person.bench.run(person.bench.store.get_case, id_of(page))


def add_account(bench: Bench, name: str, *scopes: str) -> None:
    """Make an account that can review."""
    bench.run(bench.service.accounts.create, name, name.title(), ["review", *scopes], PASSWORD)


def another(bench: Bench, name: str, *scopes: str) -> Person:
    """Sign somebody else in, a reviewer, with the same browser."""
    return member(bench, name, "review", *scopes)


def member(bench: Bench, name: str, *scopes: str) -> Person:
    """Sign somebody new in, with these scopes alone, with the same browser."""
    bench.run(bench.service.accounts.create, name, name.title(), list(scopes), PASSWORD)
    return signed_in(bench, name)


def signed_in(bench: Bench, name: str = "mara") -> Person:
    """Sign somebody in, and whoever was in this browser out."""
    bench.client.cookies.clear()
    person = Person(bench, name)
    assert person.sign_in().status_code == 303
    return person
