"""Decisions as a folder of examples, from a store to the reader."""

import hashlib
import json
import random
import shutil
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pyarrow.parquet as pq
import pytest

from tests.contract.steps import (
    DISMISSED,
    NOW,
    POLICY,
    UPHELD,
    appeal,
    claim_one,
    decide,
    report,
)
from training.corpora.decisions import EXAMPLES, MANIFEST, TABLE, load_decisions
from training.corpora.examples import EXCLUDE, fold_hash, read_reserved
from training.feedback.export import Wanted, export_decisions
from training.feedback.noise import NoiseModel
from triage_ml.domain.decision import Action, Verdict
from triage_ml.domain.quality import Judgement, SampleKind
from triage_ml.domain.taxonomy import Label, Language, Severity
from triage_ml.errors import InvalidInput, SetupFailed
from triage_ml.ports.leads import Sample, SecondVerdict
from triage_ml.testing import FixedClock
from triage_ml.testing.memory import MemoryCaseStore
from triage_ml.workflow.erasure import Eraser

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)
WANTED = Wanted(NOW - DAY, NOW + DAY)
DE_QUEUE = "std-de-safety"


@pytest.fixture
def memory():
    clock = FixedClock()
    return MemoryCaseStore(random.Random(1), clock.now)


async def export(store, out, wanted=WANTED):
    return await export_decisions(store, POLICY, out, wanted, NOW)


def lines(folder):
    return [json.loads(line) for line in (folder / EXAMPLES).read_text("utf-8").splitlines()]


async def decided(store, item_id, verdict=UPHELD, text="you are a fool", who="rita", **more):
    await report(store, item_id, text=text, **more)
    german = more.get("language") is Language.DE
    case = await claim_one(store, who, **({"queue": DE_QUEUE} if german else {}))
    return await decide(store, case, verdict)


async def look_again(store, case, findings, who="ben"):
    known = Judgement(case.decision.verdict.findings, case.decision.verdict.action)
    sample = Sample(case.decision.claim_id, SampleKind.DOUBLE, case.case_id, known, "")
    judgement = Judgement(findings, Action.WARN_AUTHOR if findings else Action.NO_ACTION)
    await store.add_second_verdict(SecondVerdict(uuid4(), sample, who, NOW, judgement, ""))


async def test_an_example_says_what_was_decided_by_whom_and_how(store, tmp_path):
    """On both stores."""
    asked = replace(UPHELD, asked=frozenset({Label.HATE}))
    case = await decided(store, "i-1", asked, "@anna you fool, mail a@b.org or call 201-555-0123")
    manifest = await export(store, tmp_path / "out")
    [line] = lines(tmp_path / "out")
    assert line["text"] == "@user you fool, mail @email or call @phone"
    assert line["labels"] == {"harassment": 1, "hate": 0, "violation": 1}
    assert line["severity"] == {"harassment": 2}
    assert line["language"] == "en"
    assert set(line["confidence"]) == set(line["labels"])
    assert 0.5 < line["weight"] < 1
    [judgement] = line["judgements"]
    assert judgement["case_id"] == str(case.case_id)
    assert (judgement["kind"], judgement["stage"]) == ("decision", "first")
    assert (judgement["overturned"], judgement["propensity"]) == (False, 1.0)
    assert judgement["policy_version"] == POLICY.version
    assert "rita" not in (tmp_path / "out" / EXAMPLES).read_text()
    assert (manifest.n_examples, manifest.n_decisions, manifest.n_reviewers) == (1, 1, 1)
    assert manifest.counts == {
        "en": {
            "harassment": {"1": 1, "0": 0},
            "hate": {"1": 0, "0": 1},
            "violation": {"1": 1, "0": 0},
        }
    }
    assert manifest.policy_versions == (POLICY.version,)


async def test_the_same_decisions_have_the_same_hash(memory, tmp_path):
    for n in range(4):
        await decided(memory, f"i-{n}", UPHELD if n % 2 else DISMISSED, f"text number {n}")
    first = await export(memory, tmp_path / "a")
    again = await export(memory, tmp_path / "b")
    assert (first.hash, first.parquet_sha256) == (again.hash, again.parquet_sha256)


async def test_the_table_holds_what_the_lines_hold(memory, tmp_path):
    await decided(memory, "i-1")
    await decided(memory, "i-2", DISMISSED, "another text")
    await export(memory, tmp_path / "out")
    rows = pq.read_table(tmp_path / "out" / TABLE).to_pylist()
    for row, line in zip(rows, lines(tmp_path / "out"), strict=True):
        maps = {name: dict(row[name]) for name in ("labels", "confidence", "severity")}
        assert {**row, **maps} == line


async def test_one_text_in_several_cases_is_one_example(memory, tmp_path):
    """Also where the texts differ only in what was scrubbed."""
    await decided(memory, "i-1", text="@anna you fool")
    await decided(memory, "i-2", text="@bert  you fool", who="ben")
    manifest = await export(memory, tmp_path / "out")
    [line] = lines(tmp_path / "out")
    assert len(line["judgements"]) == manifest.n_decisions == 2
    assert line["confidence"]["harassment"] > 0.98


async def test_verdicts_that_contradict_each_other_leave_a_label_unknown(memory, tmp_path):
    case = await decided(memory, "i-1")
    await look_again(memory, case, {Label.HARASSMENT: Severity.S1, Label.HATE: Severity.S2})
    await decided(memory, "i-2", text="a text nobody agrees on")
    contested = await decided(memory, "i-3", DISMISSED, "a text people quarrel about")
    await look_again(memory, contested, {Label.HARASSMENT: Severity.S2})
    wanted = replace(WANTED, noise=NoiseModel.MAJORITY)
    manifest = await export(memory, tmp_path / "out", wanted)
    assert len(lines(tmp_path / "out")) == 2
    assert manifest.contested == {"harassment": 1, "hate": 1, "violation": 1}
    assert manifest.excluded["contested"] == 1


async def test_an_overturned_decision_is_seen_and_not_learnt_from(memory, tmp_path):
    case = await decided(memory, "i-1")
    await appeal(memory, case.case_id)
    later = NOW + timedelta(hours=1)
    again = await claim_one(memory, "ben", queue="appeal", now=later)
    await decide(memory, again, DISMISSED, later)
    await export(memory, tmp_path / "out")
    [line] = lines(tmp_path / "out")
    assert line["labels"] == {"harassment": 0, "violation": 0}
    assert [j["overturned"] for j in line["judgements"]] == [True, False]


async def test_what_may_not_leave_is_counted(memory, tmp_path):
    await decided(memory, "i-1")
    child = Verdict({Label.CHILD_SAFETY: Severity.S2}, Action.REMOVE_CONTENT, explanation="8")
    await decided(memory, "i-2", child, "behind the restriction")
    under = await decided(memory, "i-3", text="complained about")
    await appeal(memory, under.case_id)
    await decided(memory, "i-4", text="erased text")
    await Eraser(memory, FixedClock()).erase("anna", "i-4", "asked for")
    manifest = await export(memory, tmp_path / "out")
    counted = {reason: n for reason, n in manifest.excluded.items() if n}
    assert counted == {"restricted": 1, "under_appeal": 1, "erased": 1}
    written = (tmp_path / "out" / EXAMPLES).read_text("utf-8")
    assert not any(words in written for words in ("restriction", "complained", "erased"))


async def test_erased_content_is_gone_from_the_next_export(memory, tmp_path):
    await decided(memory, "i-1")
    await decided(memory, "i-2", text="to be erased")
    await export(memory, tmp_path / "before")
    await Eraser(memory, FixedClock()).erase("anna", "i-2", "asked for")
    wanted = replace(WANTED, previous=tmp_path / "before")
    manifest = await export(memory, tmp_path / "after", wanted)
    assert manifest.previous["n_gone"] == manifest.previous["n_gone_erased"] == 1
    assert manifest.previous["n_examples"] == 2
    assert [line["text"] for line in lines(tmp_path / "after")] == ["you are a fool"]


@pytest.mark.parametrize("text", ["@Anna you  fool", "call 201-555-0123 you fool", "Ｙou fool"])
async def test_a_text_kept_for_evaluation_is_no_example(memory, tmp_path, text):
    """Though without its mention or number nobody would know it again."""
    (tmp_path / EXCLUDE).write_text(f"{fold_hash(text)}\n{fold_hash('another')}\n", "ascii")
    await decided(memory, "i-1", text=text.upper())
    await decided(memory, "i-2", text="you are a fool")
    wanted = replace(WANTED, reserved=read_reserved(tmp_path))
    manifest = await export(memory, tmp_path / "out", wanted)
    assert [line["text"] for line in lines(tmp_path / "out")] == ["you are a fool"]
    assert manifest.excluded["reserved"] == 1


async def test_the_manifest_names_the_list_of_reserved_texts(memory, tmp_path):
    """By the hash of its file; null where none was applied, as in manifests from before."""
    path = tmp_path / EXCLUDE
    path.write_text(f"{fold_hash('another')}\n", "ascii")
    await decided(memory, "i-1")
    wanted = replace(WANTED, reserved=read_reserved(tmp_path))
    await export(memory, tmp_path / "a", wanted)
    applied = load_decisions(tmp_path / "a").manifest.exclude_sha256
    assert applied == hashlib.sha256(path.read_bytes()).hexdigest()
    await export(memory, tmp_path / "b")
    manifest = tmp_path / "b" / MANIFEST
    written = json.loads(manifest.read_text("utf-8"))
    assert written.pop("exclude_sha256") is None
    manifest.write_text(json.dumps(written), "utf-8")
    assert load_decisions(tmp_path / "b").manifest.exclude_sha256 is None


@pytest.mark.parametrize(("asked", "written"), [(DAY, NOW), (-DAY / 2, NOW - DAY / 2)])
async def test_a_window_ends_when_the_export_is_made_at_the_latest(
    memory, tmp_path, asked, written
):
    """A model that learns from it must not be taken to know decisions of the future."""
    await report(memory, "i-1")
    await decide(memory, await claim_one(memory), UPHELD, now=NOW - timedelta(hours=20))
    await export(memory, tmp_path / "out", replace(WANTED, until=NOW + asked))
    window = load_decisions(tmp_path / "out").manifest.window
    assert window == {"since": (NOW - DAY).isoformat(), "until": written.isoformat()}


async def test_nothing_is_written_where_nothing_can_be_learnt(memory, tmp_path):
    await decided(memory, "i-1")
    await Eraser(memory, FixedClock()).erase("anna", "i-1", "asked for")
    with pytest.raises(InvalidInput, match=r"none of this window can be learnt from \(1 erased"):
        await export(memory, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


async def test_a_folder_that_is_there_is_never_written_over(memory, tmp_path):
    await decided(memory, "i-1")
    await export(memory, tmp_path / "out")
    with pytest.raises(InvalidInput, match="is there already"):
        await export(memory, tmp_path / "out")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SetupFailed, match="cannot write"):
        await export(memory, tmp_path / "file" / "out")


async def test_a_store_that_goes_away_leaves_no_half_folder(memory, tmp_path, monkeypatch):
    await decided(memory, "i-1")

    async def away(*_):
        raise ConnectionError

    monkeypatch.setattr(memory, "decided_texts", away)
    with pytest.raises((SetupFailed, ConnectionError)):
        await export(memory, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_window_that_ends_before_it_begins_is_refused():
    with pytest.raises(InvalidInput, match="until: must lie after since"):
        Wanted(NOW, NOW)


async def test_the_reader_gives_rows_with_language_labels_and_weight(memory, tmp_path):
    await decided(memory, "i-1")
    await decided(memory, "i-2", DISMISSED, "du bist ein Esel", language=Language.DE)
    await export(memory, tmp_path / "out")
    found = load_decisions(tmp_path / "out")
    rows = {row.language: row for row in found.source.read(tmp_path / "anywhere")}
    assert found.source.name == "decisions"
    assert set(rows) == set(found.manifest.counts) == {"de", "en"}
    assert rows["en"].labels == {"harassment": 1, "violation": 1}
    assert rows["en"].severity == {"harassment": 2}
    assert 0 < rows["de"].weight < 1


def _change(**fields):
    def change(folder):
        path = folder / MANIFEST
        path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))

    return change


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: (folder / MANIFEST).unlink(), r"manifest.json: no such file"),
        (lambda folder: (folder / EXAMPLES).unlink(), r"examples.jsonl: no such file beside"),
        (
            lambda folder: (folder / EXAMPLES).write_text("{}\n"),
            r"examples.jsonl: is not what its manifest says",
        ),
        (lambda folder: (folder / MANIFEST).write_text("{"), r"manifest.json: is no manifest"),
        (lambda folder: (folder / MANIFEST).write_text("{}"), r"manifest.json: is no manifest"),
        (_change(format=9), r"is of format 9, this version reads 1"),
        (_change(normaliser="0"), r"made with normaliser 0, this is"),
        (_change(counts={}), r"holds no example in any language"),
        (_change(counts={"fr": {"hate": {"1": 1, "0": 0}}}), r"no such language: fr"),
        (_change(counts={"en": {"hate": 3}}), r"counts: not"),
        (_change(surprise=1), r"is no manifest of decisions"),
    ],
)
async def test_what_is_wrong_with_an_export_is_told(memory, tmp_path, spoil, told):
    await decided(memory, "i-1")
    await export(memory, tmp_path / "out")
    spoil(tmp_path / "out")
    with pytest.raises(InvalidInput, match=told):
        load_decisions(tmp_path / "out")


async def test_a_damaged_export_before_stops_the_next_one(memory, tmp_path):
    await decided(memory, "i-1")
    await export(memory, tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    (tmp_path / "b" / EXAMPLES).write_text("")
    with pytest.raises(InvalidInput, match="is not what its manifest says"):
        await export(memory, tmp_path / "c", replace(WANTED, previous=tmp_path / "b"))
    assert not (tmp_path / "c").exists()
