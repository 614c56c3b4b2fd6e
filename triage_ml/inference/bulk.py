"""Scores lines of JSON without a server or a database: `triage score`.

    in   {"id": "a1", "text": "...", "language": "de"}            detected when left out
    out  {"id": "a1", "language": "de", "labels": {"hate": {"probability": 0.01, "severity": 2.0,
          "support": "measured"}, ...}, "p_violation": 0.02, "tier": 3, "model_version": "..."}
    or   {"id": "a1", "line": 7, "error": {"field": "text", "reason": "..."}}

Every line gets exactly one line, in order. `tier` is that of a proactive report without a
reason, of a post nobody else reported. Other fields of a line are ignored.
"""

import codecs
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count, islice
from typing import Any, BinaryIO

import orjson

from triage_ml.domain.case import Stage
from triage_ml.domain.policy import Policy
from triage_ml.domain.priority import Circumstances, prioritise
from triage_ml.domain.report import Item, Report, ReportSummary, Source, check_ref, check_text
from triage_ml.domain.scores import LabelScores
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Language
from triage_ml.domain.text import normalise
from triage_ml.errors import InvalidInput, ScoringFailed
from triage_ml.inference.language import Detector
from triage_ml.ports import LanguageDetector, Scorer

BATCH_SIZE = 256
"""Lines held at once; the model sorts them by length."""

MAX_BATCH_CHARS = 500_000
"""Characters held at once, plus one line: five of the longest texts."""

DIGITS = 6

_ITEM = Item(item_id="-", text="-", surface="post", author_ref="-")
_SUMMARY = ReportSummary().add(Report("-", Source.PROACTIVE), reporter_factor=1.0)

Line = bytes | str
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many lines were scored, and how many got an error instead."""

    scored: int
    failed: int


@dataclass(frozen=True, slots=True)
class _Text:
    """A line that can be scored."""

    number: int
    id: str
    text: str
    language: Language | None


def score_stream(
    lines: Iterable[Line],
    sink: BinaryIO,
    scorer: Scorer,
    policy: Policy,
    tick: Callable[[int], None] = lambda _: None,
    *,
    detector: LanguageDetector | None = None,
    n_threads: int = 1,
) -> Counts:
    """Score lines into `sink`; `tick` hears of every line written."""
    scored = failed = 0
    rows = score_lines(lines, scorer, detector or Detector(), policy, n_threads=n_threads)
    for row in rows:
        sink.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        failed += "error" in row
        scored += "error" not in row
        tick(1)
    return Counts(scored, failed)


def score_lines(
    lines: Iterable[Line],
    scorer: Scorer,
    detector: LanguageDetector,
    policy: Policy,
    batch_size: int = BATCH_SIZE,
    n_threads: int = 1,
) -> Iterator[Row]:
    """Yield one row per line, in order.

    `n_threads` batches are at work side by side, so that the model runs in one while another's
    texts are cut; of lines are held, with one thread `batch_size`, else a batch more than threads.
    """
    batches = _batches(map(_read, lines, count(1)), batch_size)
    n_held = n_threads if n_threads == 1 else n_threads + 1
    at_work: deque[Future[list[Row]]] = deque()
    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="bulk")
    try:
        while True:
            for batch in islice(batches, n_held - len(at_work)):
                at_work.append(pool.submit(_rows, batch, scorer, detector, policy))
            if not at_work:
                return
            yield from at_work.popleft().result()
    finally:  # also when nobody asks for more
        pool.shutdown(cancel_futures=True)


def _rows(
    batch: list[_Text | Row], scorer: Scorer, detector: LanguageDetector, policy: Policy
) -> list[Row]:
    texts = [read for read in batch if isinstance(read, _Text)]
    answers = iter(_score(texts, scorer, detector, policy) if texts else ())
    return [next(answers) if isinstance(read, _Text) else read for read in batch]


def _batches(reads: Iterator[_Text | Row], batch_size: int) -> Iterator[list[_Text | Row]]:
    batch: list[_Text | Row] = []
    n_chars = 0
    for read in reads:
        batch.append(read)
        n_chars += len(read.text) if isinstance(read, _Text) else 0
        if len(batch) >= batch_size or n_chars >= MAX_BATCH_CHARS:
            yield batch
            batch, n_chars = [], 0
    if batch:
        yield batch


def _read(line: Line, number: int) -> _Text | Row:
    """Check a line. Gives the error row if something is wrong with it."""
    fields: Row = {}
    try:
        fields = _parse(line, number)
        text = fields.get("text")
        if not isinstance(text, str):
            raise InvalidInput("text", "must be a string")
        found = _Text(number, _id(fields), text, _language(fields))
        check_text("text", text)
    except InvalidInput as error:
        return _error_row(_id_or_none(fields), number, error.field, error.reason)
    return found


def _parse(line: Line, number: int) -> Row:
    if number == 1:
        line = _without_bom(line)
    if not line.strip():
        raise InvalidInput("line", "is empty")
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError:
        fields = _parse_surrogates(line)
    if not isinstance(fields, dict):
        raise InvalidInput("line", "is not a JSON object")
    return fields


def _without_bom(line: Line) -> Line:
    if isinstance(line, str):
        return line.removeprefix("\ufeff")
    return line.removeprefix(codecs.BOM_UTF8)


def _parse_surrogates(line: Line) -> Any:
    """Read what orjson refuses, if only for a lone surrogate: the error can then name the field."""
    try:
        fields = json.loads(line, parse_constant=_refuse_constant)
        orjson.dumps(fields)
    except TypeError:  # cannot be written as UTF-8
        return fields
    except (ValueError, RecursionError) as error:
        raise InvalidInput("line", "is not valid JSON") from error
    raise InvalidInput("line", "is not valid JSON")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _id(fields: Row) -> str:
    value = fields.get("id")
    if not isinstance(value, str):
        raise InvalidInput("id", "must be a string")
    check_ref("id", value)
    return value


def _id_or_none(fields: Row) -> str | None:
    try:
        return _id(fields)
    except InvalidInput:
        return None


def _language(fields: Row) -> Language | None:
    value = fields.get("language")
    if value is None:
        return None
    if value not in list(SUPPORTED_LANGUAGES):
        raise InvalidInput("language", f"must be one of {', '.join(SUPPORTED_LANGUAGES)}")
    return Language(value)


def _score(
    texts: list[_Text], scorer: Scorer, detector: LanguageDetector, policy: Policy
) -> list[Row]:
    """Score a batch; if that fails, one by one, so that a single text fails alone."""
    # A language that stands in the file is a statement, not a hint as in a live report.
    languages = [text.language or detector.detect(normalise(text.text)).language for text in texts]
    try:
        scores = scorer.score([text.text for text in texts], languages)
    except ScoringFailed as error:
        if len(texts) == 1:
            return [_error_row(texts[0].id, texts[0].number, "model", error.reason)]
        return [row for text in texts for row in _score([text], scorer, detector, policy)]
    return [_score_row(text, score, policy) for text, score in zip(texts, scores, strict=True)]


def _score_row(text: _Text, scores: LabelScores, policy: Policy) -> Row:
    facts = Circumstances(_ITEM, _SUMMARY, scores.language, Stage.FIRST)
    labels = {
        label.value: {
            "probability": round(score.probability, DIGITS),
            "severity": round(score.severity, DIGITS),
            "support": score.support.value,
        }
        for label, score in scores.labels.items()
    }
    return {
        "id": text.id,
        "language": scores.language.value,
        "labels": labels,
        "p_violation": round(scores.p_violation, DIGITS),
        "tier": int(prioritise(policy, facts, scores).tier),
        "model_version": scores.model_version,
    }


def _error_row(id_: str | None, number: int, field: str, reason: str) -> Row:
    return {"id": id_, "line": number, "error": {"field": field, "reason": reason}}
