"""Nobody is offered what then answers that it is closed to them or not there."""

import re
from collections import Counter
from dataclasses import replace
from html import unescape
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest

from tests.console.desk import (
    another,
    bench_with_mara,
    decide,
    hold,
    id_of,
    keys_of,
    member,
    signed_in,
    take,
)
from tests.console.person import Person
from tests.serving.bench import Bench
from tests.serving.conftest import MakeBench
from tests.unit.pairs import made, pair, stand
from triage_ml.domain.decision import Action
from triage_ml.domain.quality import Judgement
from triage_ml.policy import load_policy

HOME = "/console"
MAX_QUERIES = 4
"""How many addresses are followed that differ in nothing but their query."""
ACCOUNTS = [
    ("lead",),
    ("lead", "restricted"),
    ("ml",),
    ("ml", "lead"),
    ("intake",),
    ("review",),
    ("review", "lead"),
    ("review", "ml", "restricted"),
    ("admin",),
]
_LINK = re.compile(r'<a\b[^>]*\shref="([^"]+)"')


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    """A desk on which every page has something to show, some of it restricted."""
    policy = load_policy()
    policy = replace(policy, quality=replace(policy.quality, double_share=1.0))
    bench = bench_with_mara(make_bench, policy=policy)
    mara = signed_in(bench)
    decided = hold(mara)
    assert decide(mara, decided).status_code == 303
    hidden = bench.report(item_id="hidden", report_reason="child_safety")["case_id"]
    for n in range(3):
        bench.report(item_id=f"waits-{n}", text="You are a loser, and a big one")
    otto = another(bench, "otto")
    bench.run(_disagree, bench)
    hold(otto)
    judgement = Judgement({}, Action.NO_ACTION)
    lena = bench.run(bench.service.accounts.create, "lena", "Lena", ["lead"], "long enough to use")
    bench.run(bench.service.quality.mark, lena, id_of(decided), judgement, "A joke.")
    moves = [
        replace(pair(1, after=stand(tier=4)), case_id=id_of(decided)),
        replace(pair(2, after=stand(tier=1), restricted=True), case_id=id_of(hidden)),
    ]
    bench.run(bench.store.add_comparison, made(moves))
    bench.run(bench.service.trends.count)
    return bench


async def _disagree(bench: Bench) -> None:
    otto = next(row for row in await bench.service.accounts.all() if row.name == "otto")
    sample_id = await bench.service.quality.draw(otto)
    assert sample_id is not None
    await bench.service.quality.judge(otto, sample_id, Judgement({}, Action.NO_ACTION), "A joke.")


def walk(person: Person) -> tuple[list[str], list[str]]:
    """Follow every link from the first page; give those that open, and those that do not."""
    ahead, seen = [HOME], {HOME}
    opened, closed = [], []
    queries: Counter[str] = Counter()
    while ahead:
        url = ahead.pop()
        answer = person.get(url)
        while answer.is_redirect:
            answer = person.get(urljoin(url, answer.headers["location"]))
        (opened if answer.is_success else closed).append(f"{answer.status_code} {url}")
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        for link in reversed(_LINK.findall(answer.text)):  # the last days have something
            to = urldefrag(urljoin(url, unescape(link))).url
            path = urlsplit(to).path
            if to in seen or not path.startswith(HOME) or queries[path] == MAX_QUERIES:
                continue
            seen.add(to)
            queries[path] += 1
            ahead.append(to)
    return opened, closed


@pytest.mark.parametrize("scopes", ACCOUNTS, ids="+".join)
def test_whatever_is_offered_opens(bench: Bench, scopes: tuple[str, ...]) -> None:
    """Every link of every page somebody can reach, whatever their account is for."""
    opened, closed = walk(member(bench, "somebody", *scopes))
    assert closed == []
    reviews = not {"review", "admin"}.isdisjoint(scopes)
    assert any("/console/cases/" in url for url in opened) == reviews
    assert len(opened) > 2


GRAVE = {"label": "child_safety", "severity.child_safety": "S4", "action": "refer_to_authority"}


@pytest.mark.parametrize("fields", [{}, {"next": "1"}], ids=["stays", "goes on"])
def test_a_decision_that_restricts_its_case_offers_no_way_back(
    bench: Bench, fields: dict[str, str]
) -> None:
    """Neither beside the queues nor beside the next case; it says that it is saved."""
    somebody = another(bench, "somebody")
    bench.report(item_id="another", text="You are a loser, and so on")
    page = take(somebody)
    answer = decide(somebody, page, **GRAVE, **fields)
    assert answer.status_code == 303, answer.text
    after = somebody.get(answer.headers["location"]).text
    assert f'data-done="{id_of(page)}"' in after
    assert page not in after
    assert somebody.get(page).status_code == 403


def test_a_case_that_is_restricted_meanwhile_is_not_offered_again(bench: Bench) -> None:
    """Who held it is told that it is gone, without a link that refuses them."""
    somebody = another(bench, "somebody")
    receipt = bench.report(item_id="held", text="You are a loser, I say")
    page = take(somebody)
    while page != f"/console/cases/{receipt['case_id']}":
        page = take(somebody)
    keys = keys_of(somebody, page)
    bench.report(item_id="held", text="You are a loser, I say", report_reason="child_safety")
    answer = somebody.post(f"{page}/release", {**keys, "reason": "A break."})
    assert answer.status_code in (403, 409, 410)
    assert page not in answer.text
