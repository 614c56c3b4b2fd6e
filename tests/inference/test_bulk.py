import io
import json
from collections.abc import Iterator, Sequence

import orjson
import pytest

from triage_ml.domain.policy import Policy
from triage_ml.domain.report import MAX_TEXT_CHARS
from triage_ml.domain.scores import LabelScores
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import ModelMissing, ScoringFailed
from triage_ml.inference.bulk import MAX_BATCH_CHARS, Counts, Line, Row, score_lines, score_stream
from triage_ml.inference.onnx import OnnxScorer
from triage_ml.testing import StubDetector, StubScorer


def line(id_: object = "a", text: object = "a plain text", **more: object) -> bytes:
    return orjson.dumps({"id": id_, "text": text} | more)


def rows(policy: Policy, *lines: Line, batch_size: int = 256) -> list[Row]:
    return list(score_lines(lines, StubScorer(), StubDetector(), policy, batch_size))


def test_a_line_gets_language_labels_tier_and_version(policy: Policy) -> None:
    """The row holds what a program needs, and probabilities rounded to six digits."""
    scorer = StubScorer({"bad": {Label.HATE: 1 / 3}}, labels=[Label.HATE, Label.PROFANITY])
    [row] = score_lines([line("a1", "bad", language="de")], scorer, StubDetector(), policy)
    assert row == {
        "id": "a1",
        "language": "de",
        "labels": {
            "hate": {"probability": 0.333333, "severity": 2.0, "support": "measured"},
            "profanity": {"probability": 0.01, "severity": 2.0, "support": "measured"},
        },
        "p_violation": 0.333333,
        "tier": 3,
        "model_version": "stub-1",
    }


def test_the_tier_is_the_policys(policy: Policy) -> None:
    """A likely threat is raised as the shipped policy says."""
    plain, threat = rows(policy, line(), line("b", "violent_threat"))
    assert (plain["tier"], threat["tier"]) == (3, 2)


def test_lines_may_be_text_or_bytes(policy: Policy) -> None:
    """A file opened either way, with line ends and a byte order mark, is read."""
    first = b"\xef\xbb\xbf" + line("a") + b"\r\n"
    assert [row["id"] for row in rows(policy, first, line("b").decode() + "\n")] == ["a", "b"]
    assert rows(policy, "\ufeff" + line("c").decode())[0]["id"] == "c"


TOO_LONG = "x y " * (MAX_TEXT_CHARS // 4 + 1)
BAD_LINES = [
    (b"", None, "line", "is empty"),
    (b"  \n", None, "line", "is empty"),
    (b"{", None, "line", "is not valid JSON"),
    (b"\xff", None, "line", "is not valid JSON"),
    (b'{"id": "a", "text": "x", "views": NaN}', None, "line", "is not valid JSON"),
    (b'{"id": "a", "text": "x",}', None, "line", "is not valid JSON"),
    (b"[" * 200_000, None, "line", "is not valid JSON"),
    ('{"id": "a", "text": "x"}'.encode("utf-16"), None, "line", "is not valid JSON"),
    (b"[1]", None, "line", "is not a JSON object"),
    (b'"text"', None, "line", "is not a JSON object"),
    (b'{"id": "a"}', "a", "text", "must be a string"),
    (b'{"text": "x"}', None, "id", "must be a string"),
    (line(7), None, "id", "must be a string"),
    (line(" a"), None, "id", "must not begin or end with white space"),
    (line("a", 7), "a", "text", "must be a string"),
    (line("a", None), "a", "text", "must be a string"),
    (line("a", "nul \x00"), "a", "text", "holds a NUL character"),
    (b'{"id": "a", "text": "\\ud800"}', "a", "text", "holds a lone surrogate"),
    (b'{"id": "\\ud800", "text": "x"}', None, "id", "holds a lone surrogate"),
    ('{"id": "a", "text": "\udc80"}', "a", "text", "holds a lone surrogate"),
    (line("a", " \t\u200b "), "a", "text", "holds no visible character"),
    (line("a", TOO_LONG), "a", "text", "100,004 characters is over the limit of 100,000"),
    (line("a", language="fr"), "a", "language", "must be one of en, de, tr, es, ko"),
    (line("a", language=["de"]), "a", "language", "must be one of en, de, tr, es, ko"),
]


@pytest.mark.parametrize(("bad", "id_", "field", "reason"), BAD_LINES)
def test_a_bad_line_gets_an_error_in_its_place(
    policy: Policy, bad: Line, id_: str | None, field: str, reason: str
) -> None:
    """The error names line, field and reason, and its neighbours are scored."""
    before, row, after = rows(policy, line("before"), bad, line("after"))
    assert (row["id"], row["line"], row["error"]["field"]) == (id_, 2, field)
    assert row["error"]["reason"].startswith(reason)
    assert (before["tier"], after["tier"]) == (3, 3)


def test_all_bad_lines_at_once_leave_the_order(policy: Policy) -> None:
    """Errors and scores come in the order of their lines, across batches."""
    lines: list[Line] = []
    for number, (bad, *_) in enumerate(BAD_LINES):
        lines += [line(f"good {number}"), bad]
    found = rows(policy, *lines, batch_size=4)
    assert [row["id"] for row in found[::2]] == [f"good {n}" for n in range(len(BAD_LINES))]
    assert [row["line"] for row in found[1::2]] == list(range(2, len(lines) + 1, 2))


def test_a_lone_surrogate_in_an_ignored_field_does_no_harm(policy: Policy) -> None:
    """Only the fields that are read are checked."""
    [row] = rows(policy, b'{"id": "a", "text": "x", "author": "\\ud800"}')
    assert row["tier"] == 3


def test_a_stated_language_is_taken_and_null_is_detected(policy: Policy) -> None:
    """The file knows its language; where it does not say, the detector does."""
    detector = StubDetector({"bilinen": Language.TR}, rest=Language.UND)
    lines = [
        line(text="bilinen", language="de"),
        line(text="bilinen", language=None),
        line(language=None),
    ]
    found = score_lines(lines, StubScorer(), detector, policy)
    assert [row["language"] for row in found] == ["de", "tr", "und"]


def test_lines_are_read_only_as_far_as_needed(policy: Policy) -> None:
    """Memory holds one batch, however long the file is."""
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield line(str(taken))

    found = score_lines(endless(), StubScorer(), StubDetector(), policy, batch_size=8)
    assert taken == 0
    assert [next(found)["id"] for _ in range(9)] == [str(n) for n in range(1, 10)]
    assert taken == 16


def test_several_threads_keep_the_order(policy: Policy) -> None:
    """Batches are scored side by side; of lines, a batch more than threads is held."""
    taken = 0

    def many() -> Iterator[bytes]:
        nonlocal taken
        for taken in range(1, 101):
            yield line(str(taken)) if taken % 10 else b"{"

    scorer = StubScorer()
    found = score_lines(many(), scorer, StubDetector(), policy, batch_size=8, n_threads=3)
    first = next(found)
    assert (first["id"], taken) == ("1", 32)
    rest = [row["id"] or str(row["line"]) for row in found]
    assert rest == [str(n) for n in range(2, 101)]
    assert (sum(scorer.calls), max(scorer.calls)) == (90, 8)


def test_what_is_no_longer_asked_for_is_not_scored(policy: Policy) -> None:
    """Who stops in the middle of a file waits for the batches at work and no others."""
    scorer = StubScorer()
    lines = [line(str(n)) for n in range(800)]
    found = score_lines(lines, scorer, StubDetector(), policy, batch_size=8, n_threads=2)
    next(found)
    found.close()  # type: ignore[attr-defined]
    assert len(scorer.calls) <= 3


def test_long_texts_make_small_batches(policy: Policy) -> None:
    """Batches are bounded in characters as well as in lines."""
    scorer = StubScorer()
    text = "word " * (MAX_TEXT_CHARS // 5)
    lines = [line(str(n), text) for n in range(7)]
    assert len(list(score_lines(lines, scorer, StubDetector(), policy))) == 7
    assert scorer.calls == [MAX_BATCH_CHARS // len(text), 2]


class PickyScorer(StubScorer):
    """Cannot score a batch that holds the word "poison"."""

    def score(self, texts: Sequence[str], languages: Sequence[Language]) -> list[LabelScores]:
        if any("poison" in text for text in texts):
            raise ScoringFailed("a reason")
        return super().score(texts, languages)


def test_a_text_that_cannot_be_scored_fails_alone(policy: Policy) -> None:
    """The rest of its batch is scored."""
    lines = [line("a"), line("b", "poison"), line("c")]
    a, b, c = score_lines(lines, PickyScorer(), StubDetector(), policy)
    assert b == {"id": "b", "line": 2, "error": {"field": "model", "reason": "a reason"}}
    assert (a["tier"], c["tier"]) == (3, 3)


def test_without_a_model_every_line_says_so(policy: Policy) -> None:
    """A line never goes missing because of the model."""
    scorer = StubScorer(failure=ModelMissing())
    found = list(score_lines([line("a"), line("b")], scorer, StubDetector(), policy))
    assert [row["error"]["reason"] for row in found] == ["no model is loaded"] * 2


def test_a_stream_is_written_counted_and_reported(policy: Policy) -> None:
    """One JSON line per line, and a tick for each."""
    sink, ticks = io.BytesIO(), list[int]()
    lines = io.BytesIO(b"\n".join([line("a", "ein Text aus Wörtern"), b"{", line("b")]))
    counts = score_stream(lines, sink, StubScorer(), policy, ticks.append, detector=StubDetector())
    written = [json.loads(x) for x in sink.getvalue().splitlines()]
    assert [row["id"] for row in written] == ["a", None, "b"]
    assert (counts, sum(ticks)) == (Counts(scored=2, failed=1), 3)


def test_a_stream_detects_languages_by_itself(policy: Policy, scorer: OnnxScorer) -> None:
    """With a real model and detector, no argument is needed beyond lines, sink and policy."""
    sink = io.BytesIO()
    lines = [line("a", "Bitte stellt die Stühle zurück, bevor ihr geht."), line("b", "hate")]
    assert score_stream(lines, sink, scorer, policy) == Counts(2, 0)
    german, open_ = (json.loads(x) for x in sink.getvalue().splitlines())
    assert german["language"] == "de"
    assert german["labels"]["hate"]["support"] == "functional"
    assert open_["model_version"] == "tiny-1"


def test_an_empty_stream_is_fine(policy: Policy) -> None:
    """Nothing in, nothing out."""
    sink = io.BytesIO()
    assert score_stream([], sink, StubScorer(), policy) == Counts(0, 0)
    assert sink.getvalue() == b""
