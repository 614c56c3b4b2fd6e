"""The page of models: the one that answers, its card, those before, and comparisons."""

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from serving.console.model_card import card_html
from tests.console.desk import another, member
from tests.console.person import Person
from tests.serving.bench import KEYWORDS, Bench
from tests.unit.builders import NOW
from tests.unit.pairs import made, pair, stand
from triage_ml.domain.comparison import Comparison
from triage_ml.domain.queue_diff import part_of
from triage_ml.domain.taxonomy import Label, Language, Severity, Support, SupportMatrix
from triage_ml.ports import LiveModel, ModelInfo
from triage_ml.testing import StubScorer

PAGE = "/console/models"
CARD = """# Model card: stub

## Support

| label | en |
| --- | :-: |
| hate | measured |

<script>alert(1)</script> **bold** ![picture](https://example.org/x.png)
[a link](https://example.org/) [bad](javascript:alert)
"""
PAIRS = [
    pair(1, decided=Severity.S3, before=stand(tier=1), after=stand(tier=3)),
    pair(2),
    pair(3, before=stand(queue="child-safety"), after=stand(tier=4), restricted=True),
]


@pytest.fixture
def keeper(bench: Bench) -> Person:
    """Somebody who looks after models and cannot review."""
    return member(bench, "ida", "ml")


def with_info(bench: Bench, **changes: Any) -> ModelInfo:
    scorer = StubScorer(KEYWORDS)
    info = replace(scorer.info, **changes)

    @dataclass
    class Carded:
        info: ModelInfo

        def __getattr__(self, name: str) -> Any:
            return getattr(scorer, name)

    bench.service.scoring.scorer = Carded(info)  # type: ignore[assignment]
    return info


def keep(bench: Bench, **changes: Any) -> str:
    comparison = made(PAIRS, **changes)
    bench.run(bench.store.add_comparison, comparison)
    return f"{PAGE}/comparisons/{comparison.comparison_id}"


def test_the_page_is_for_those_who_look_after_models_or_people(
    bench: Bench, person: Person
) -> None:
    """A reviewer is told so, and not led there."""
    answer = person.get(PAGE)
    assert answer.status_code == 403
    assert f'href="{PAGE}"' not in person.get("/console/queues").text
    lead = another(bench, "lena", "lead")
    assert lead.get(PAGE).status_code == 200
    assert f'href="{PAGE}"' in lead.get(PAGE).text


def test_it_says_that_nothing_happened_yet(keeper: Person) -> None:
    """No trial, no change, no comparison; but what the model was measured on."""
    text = keeper.get(PAGE).text
    for said in ("No model is on trial.", "Nothing was compared yet.", "No model was made live"):
        assert said in text
    assert 'id="support"' in text


def test_it_says_when_no_model_is_loaded(bench: Bench, keeper: Person) -> None:
    """And shows no support of none."""
    bench.service.scoring.scorer = None
    text = keeper.get(PAGE).text
    assert "No model is loaded" in text
    assert 'id="support"' not in text


def test_the_card_and_the_history_are_shown(bench: Bench, keeper: Person) -> None:
    """Since when, by whom, why."""
    info = with_info(bench, card=CARD)
    at = bench.clock.now() - timedelta(days=3)
    bench.store._lives += [
        LiveModel(1, "m-0", "0" * 64, at, "anna", "the first"),
        LiveModel(2, info.version, "1" * 64, at + timedelta(days=1), "ben", "fewer misses <b>"),
    ]
    text = keeper.get(PAGE).text
    assert "Live since" in text
    assert "fewer misses &lt;b&gt;" in text
    assert "<h3>Model card: stub</h3>" in text
    assert text.index("ben</bdi>") < text.index("anna</bdi>")


def test_an_auc_is_shown_where_a_label_counts_as_measured(bench: Bench, keeper: Person) -> None:
    """Of too few texts it would speak against what is said beside it."""
    cells = {(Language.EN, Label.HATE): Support.MEASURED}
    quality = {"en": {"hate": {"auc": 0.9154, "auc_low": 0.9, "auc_high": 0.93}}}
    few = {"de": {"hate": {"auc": 0.62}}}
    with_info(bench, support=SupportMatrix(cells), quality={**quality, **few})
    text = keeper.get(PAGE).text
    assert 'AUC 0.915</span> <span class="soft interval">(0.9 to 0.93)' in text
    assert text.count("AUC") == 1


def test_another_live_model_than_the_one_that_answers_is_told(bench: Bench, keeper: Person) -> None:
    """As after a model was refused."""
    bench.store._lives.append(LiveModel(1, "m-9", "0" * 64, bench.clock.now(), "anna", "new"))
    assert "The database has another model live: m-9." in keeper.get(PAGE).text


def test_a_card_brings_no_markup_of_its_own() -> None:
    """Nor pictures, styles or scripts; tables scroll under their heading's name."""
    html = str(card_html(CARD))
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "<img" not in html
    assert "style=" not in html
    assert "javascript:" not in re.findall(r'href="([^"]*)"', html)
    assert 'rel="noopener noreferrer nofollow"' in html
    assert '<div class="scroll" role="region" tabindex="0" aria-label="Support (1)">' in html
    assert html.count("<table>") == html.count("</table></div>") == 1
    assert "<h4>Support</h4>" in html


def test_an_interval_of_a_card_stays_on_one_line() -> None:
    """Whatever the width of its column; other brackets stay as they are."""
    html = str(card_html("| a |\n| --- |\n| 0.582 [-0.552, 0.614] |\n\nOne [a, b] [1, 2, 3]."))
    assert "0.582 [-0.552,\N{NO-BREAK SPACE}0.614]" in html
    assert "One [a, b] [1, 2, 3]." in html


def test_the_shipped_card_is_rendered() -> None:
    """Every table in a frame of its own."""
    from triage_ml.inference.artifact import CARD as NAME
    from triage_ml.inference.artifact import SHIPPED

    if not (SHIPPED / NAME).is_file():
        pytest.skip("no model is shipped")
    html = str(card_html((SHIPPED / NAME).read_text("utf-8")))
    names = re.findall(r'aria-label="([^"]+)"', html)
    assert len(names) == len(set(names)) == html.count("<table>") > 3


def test_comparisons_are_listed_with_what_speaks_against_them(bench: Bench, keeper: Person) -> None:
    """The newest first, each with its page."""
    keep(bench, number=5)
    path = keep(bench, number=6, at=bench.clock.now() + timedelta(days=400))
    text = keeper.get(PAGE).text
    found = re.findall(rf'href="({PAGE}/comparisons/[^"]+)"', text)
    assert found[0] == path
    assert len(found) == 2


def test_a_comparison_shows_moves_waits_and_breaches(bench: Bench, keeper: Person) -> None:
    """Who cannot review is not led to cases; nobody sees restricted ones without the scope."""
    answer = keeper.get(keep(bench))
    assert answer.status_code == 200
    text = answer.text
    assert "1 case of a violation of S3 or more leaves T0 or T1" in text
    assert "T1" in text
    assert "Before → after" in text
    assert 'href="/console/cases/' not in text
    assert "child-safety" not in text
    assert "Restricted queues" not in text
    assert str(pair(3).case_id) not in text


def test_a_language_whose_violations_sink_is_pointed_out(bench: Bench, keeper: Person) -> None:
    """No gate forbids it; the comparison says whom it may hurt."""
    down, found = stand(tier=4), Severity.S1
    rows = [pair(n, language=Language.KO, after=down, decided=found) for n in range(8)]
    comparison = made([*rows, pair(9, language=Language.DE, after=down, decided=found)])
    bench.run(bench.store.add_comparison, comparison)
    text = keeper.get(f"{PAGE}/comparisons/{comparison.comparison_id}").text
    said = "in Korean, 8 decided violations sink and 0 rise, more than chance explains"
    assert said in text
    assert "in German, 1 decided" not in text


def test_what_a_model_may_remember_is_told(bench: Bench, keeper: Person) -> None:
    """Cases that are new since it learned are summed up; where nobody knows that, it says so."""

    def shown(comparison: Comparison) -> str:
        kept = replace(comparison, comparison_id=uuid4())
        bench.run(bench.store.add_comparison, kept)
        return keeper.get(f"{PAGE}/comparisons/{kept.comparison_id}").text

    plain = made(PAIRS)
    taught = replace(plain, after=replace(plain.after, learned_until=NOW))
    for later, told in (
        ([pair(n, after=stand(tier=4)) for n in range(4)], "by themselves: Of 4 cases 0 rise, 4"),
        ([], "None of these cases is new since"),
    ):
        text = shown(replace(taught, came_later=part_of("", later)))
        assert 'up to this moment: <time datetime="2026-03-02T09:00' in text
        assert told in text
    unknown = shown(replace(plain, after=replace(plain.after, learning_known=False)))
    assert "Until when m-2 learned from decisions is not known" in unknown
    assert "is not known: it may" not in shown(plain)


def test_cases_are_linked_for_who_may_open_them(bench: Bench, keeper: Person) -> None:
    """And restricted ones for their scope."""
    path = keep(bench)
    both = member(bench, "rosa", "ml", "review")
    text = both.get(path).text
    assert f'href="/console/cases/{pair(1).case_id}"' in text
    assert f'href="/console/cases/{pair(3).case_id}"' not in text
    few = member(bench, "rita", "ml", "review", "restricted")
    text = few.get(path).text
    assert f'href="/console/cases/{pair(3).case_id}"' in text
    assert "Restricted queues" in text


def test_a_comparison_that_is_not_there_is_not_found(keeper: Person) -> None:
    """Nor is one that is no id."""
    assert keeper.get(f"{PAGE}/comparisons/{uuid4()}").status_code == 404
    assert keeper.get(f"{PAGE}/comparisons/nothing").status_code in (404, 422)
