import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.console.view import clauses_of, cut, likelihood, view_case
from tests.console.desk import id_of
from tests.serving.bench import Bench
from triage_ml.domain.scores import Span
from triage_ml.domain.taxonomy import Label, Language, Support, SupportMatrix
from triage_ml.policy import load_policy
from triage_ml.ports import ApiKey, ModelInfo
from triage_ml.testing import StubScorer
from triage_ml.testing.doubles import FIXED_START
from triage_ml.workflow.queues import queue_rows

LEAD = ApiKey("lead", frozenset({"review", "restricted"}), FIXED_START)
REVIEWER = ApiKey("reviewer", frozenset({"review"}), FIXED_START)
SPANS = st.builds(Span, st.integers(-3, 40), st.integers(-3, 40), st.floats(0, 1, allow_nan=False))


@given(st.text(max_size=30), st.lists(SPANS, max_size=6))
def test_cutting_loses_and_adds_nothing(text: str, spans: list[Span]) -> None:
    """The pieces of a text are the text, wherever the spans lie."""
    assert "".join(segment.text for segment in cut(text, spans)) == text


def test_spans_are_marked_by_weight() -> None:
    """What speaks for a violation is marked, the heavier the stronger; overlaps are joined."""
    found = list(cut("you are a loser, you", [Span(10, 15, 0.9), Span(8, 12, 0.2)]))
    assert [(s.text, s.kind, s.strength) for s in found] == [
        ("you are ", "plain", 0),
        ("a ", "marked", 1),
        ("loser", "marked", 3),
        (", you", "plain", 0),
    ]


SIGNS = (
    "\u202e\u2066\u200b\u0007\ufeff\u00ad\u200e\u200f\u061c\u2063\u206a\u180e\u3164\uffa0\U000e0041"
)


@pytest.mark.parametrize("sign", SIGNS)
def test_signs_that_deceive_stand_apart(sign: str) -> None:
    """What turns the direction of writing or is not seen is a piece of its own, with its code."""
    found = list(cut(f"up{sign}down", [Span(0, 7, 1.0)]))
    assert [s.kind for s in found] == ["marked", "sign", "marked"]
    assert found[1].code == f"U+{ord(sign):04X}"


def test_white_space_and_joined_emoji_stay_plain() -> None:
    """Lines, tabs and the joiner inside an emoji are not signs."""
    text = "a\tb\nc \N{FAMILY} \U0001f469\u200d\U0001f4bb"
    assert [s.kind for s in cut(text)] == ["plain"]


@pytest.mark.parametrize(
    ("probability", "word"),
    [(0.97, "very_likely"), (0.5, "likely"), (0.3, "possible"), (0.1, "unlikely")],
)
def test_probability_in_words(probability: float, word: str) -> None:
    """Every probability has a word, and what is under all of them is very unlikely."""
    assert likelihood(probability) == word
    assert likelihood(0.0) == "very_unlikely"


def test_every_label_has_its_clause() -> None:
    """The policy's own words are given for each label, in the language they are written in."""
    clauses = {clause.label: clause for clause in clauses_of(load_policy())}
    assert set(clauses) == set(Label)
    assert clauses[Label.HATE].name == "1.1 Hate"
    assert clauses[Label.HATE].language is Language.EN
    assert not clauses[Label.PROFANITY].is_violation


def test_restricted_queues_need_their_scope(bench: Bench) -> None:
    """A queue that is restricted is not in the rows of who lacks the scope."""
    policy = bench.service.policy
    assert "child-safety" in {row.name for row in queue_rows(policy, [], LEAD)}
    assert "child-safety" not in {row.name for row in queue_rows(policy, [], REVIEWER)}


def test_queue_rows_add_up(bench: Bench) -> None:
    """Tiers and languages of a queue add up to what is open in it."""
    bench.report()
    bench.report(item_id="post-2")
    depths = bench.run(bench.store.queue_depths, bench.clock.now())
    rows = {row.name: row for row in queue_rows(bench.service.policy, depths, REVIEWER)}
    row = rows["std-en-safety"]
    assert row.n_open == sum(row.by_tier.values()) == sum(row.by_language.values()) == 2
    assert rows["qa"].n_open == 0
    assert rows["qa"].oldest_received_at is None


def _view(bench: Bench, model: ModelInfo | None = None, **changes: str):  # type: ignore[no-untyped-def]
    receipt = bench.report(**changes)
    case_id = id_of(f"/{receipt['case_id']}")
    dossier = bench.run(bench.service.review.dossier, LEAD, case_id)
    index = bench.service.review.index_now(dossier.case)
    return view_case(dossier, bench.service.policy, index, model, bench.clock.now())


def test_hints_come_gravest_first_with_quality(bench: Bench) -> None:
    """A hint says how well its model did; what is unlikely and not reported is folded away."""
    cell = {"n_positive": 40, "n_negative": 60, "auc": 0.93, "auc_low": 0.9, "auc_high": 0.95}
    model = ModelInfo(
        "stub-1", (Label.HARASSMENT,), SupportMatrix({}), quality={"en": {"harassment": cell}}
    )
    view = _view(bench, model)
    first = view.hints[0]
    assert (first.label, first.likelihood, first.reported) == (Label.HARASSMENT, "very_likely", 1)
    assert first.quality is not None
    assert first.quality.n_texts == 100
    assert Label.SELF_HARM in {hint.label for hint in view.folded}


def test_quality_of_another_model_is_not_told(bench: Bench) -> None:
    """Scores of a model that was replaced are not shown with the new one's numbers."""
    quality = {"en": {"harassment": {"auc": 0.93}}}
    view = _view(bench, ModelInfo("other", (), SupportMatrix({}), quality=quality))
    assert not view.current_model
    assert view.hints[0].quality is None


def test_what_is_not_measured_shows_its_bound(make_bench) -> None:  # type: ignore[no-untyped-def]
    """Where the model knows nothing of a language, the bound decides what is shown."""
    bench = make_bench(scorer=StubScorer(support=SupportMatrix({})))
    view = _view(bench)
    assert view.hints[0].support is Support.UNSUPPORTED
    assert view.hints[0].upper >= 0.5


def test_each_term_of_the_index_is_there(bench: Bench) -> None:
    """The terms are those the API gives, and shares of labels name theirs."""
    view = _view(bench)
    names = [term.name for term in view.terms]
    assert names[-7:] == ["harm", "reach", "reporter", "context", "base", "urgency", "age"]
    assert view.terms[0].harm is not None
    assert view.terms[0].harm.label is Label.HARASSMENT


def test_graphic_and_severe_kinds_are_masked(bench: Bench) -> None:
    """A text reported as graphic is hidden at first; an ordinary insult is not."""
    assert not _view(bench).masked
    view = _view(bench, item_id="post-2", report_reason="graphic_violence")
    assert view.masked
    assert Label.GRAPHIC_VIOLENCE in view.masked_for


def test_reports_are_merged(bench: Bench) -> None:
    """Reports of one item are counted by reason and source."""
    bench.report()
    bench.report(report_reporter_ref="reporter-2")
    view = _view(bench, report_reporter_ref="reporter-3", report_reason="hate")
    counts = {(group.reason, group.source): group.n_reports for group in view.groups}
    assert counts == {("harassment", "user"): 2, ("hate", "user"): 1}


def test_earlier_texts_are_kept_apart(bench: Bench) -> None:
    """A text the item had before is shown beside the newest one, which is not repeated."""
    bench.report(text="You are a loser, says the cat.")
    view = _view(bench, report_reporter_ref="reporter-2")
    assert ["".join(s.text for s in row.segments) for row in view.versions] == [
        "You are a loser, says the cat."
    ]
