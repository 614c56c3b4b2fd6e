"""Lists of cases behind numbers, and who sees what in them."""

from dataclasses import replace

import pytest

from triage_ml.domain.taxonomy import Language
from triage_ml.domain.terms import Emerging
from triage_ml.ports.trends import Measure
from triage_ml.workflow.answers import Question
from triage_ml.workflow.trends import Trends

pytestmark = pytest.mark.anyio


async def test_a_list_does_not_tell_the_holder_of_a_blind_case_its_labels(desk):
    """A model named some of them; everybody else reads them, and so does the holder later."""
    receipt = await desk.report()
    trends = Trends(desk.store, desk.policy, desk.clock)
    anna, ben = desk.key("anna"), desk.key("ben")
    row = replace(desk.policy.priority, blind_share=1.0)
    desk.review._policy = replace(desk.policy, priority=row)
    now = desk.clock.now()
    found = Emerging("term", Language.EN, "w", 5, 3, 0, 4.0, now, now, (receipt.case_id,))
    await desk.store.save_emerging([found], now)

    async def told(who) -> list[tuple[str, ...]]:
        asked = Question(trends.today(), trends.today())
        lines = await trends.cases(who, asked, Measure.REPORTS)
        lines += (await trends.emerging_cases(who, found.key))[1]
        return [line.labels for line in lines]

    [case] = await desk.review.claim(anna, "std-en-safety")
    assert await told(ben) == [("harassment",)] * 2
    assert await told(anna) == [()] * 2
    await desk.review.release(anna, case.claim.claim_id, "a break")
    assert await told(anna) == [("harassment",)] * 2
