"""The loss ignores what nobody decided; the loop learns, and resumes as if never stopped."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from training.config import Experiment
from training.learning.batches import (
    BATCHES_PER_POOL,
    Disguise,
    Rows,
    batches,
    pad,
    row_weights,
)
from training.learning.encoder import PAD_ID, tiny_encoder
from training.learning.loss import masked_loss, targets_and_weights
from training.learning.model import TriageModel, predict_logits
from training.learning.train import learning_rate_factor, resume, save, start, train
from triage_ml.errors import InvalidInput

N_TOKENS = 60
SETTINGS = Experiment(
    "test",
    average_decay=0.9,
    batch_size=8,
    n_steps=12,
    warmup_steps=2,
    learning_rate=1e-3,
    head_learning_rate=1e-2,
    dropout=0.1,
    checkpoint_every=5,
    n_threads=1,
)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def toy_rows(n: int = 16) -> Rows:
    """Make rows whose first label is whether token 10 occurs."""
    random = np.random.default_rng(0)
    tokens = [[0, *random.integers(20, N_TOKENS, 3 + i % 5).tolist(), 2] for i in range(n)]
    labels = np.full((n, 2), -1, np.int8)
    for i in range(n):
        labels[i] = i % 2, -1 if i % 3 else i % 2
        if i % 2:
            tokens[i][1] = 10
    languages = np.array(["en", "de"] * (n // 2))
    sources = np.array(["a", "a", "b", "b"] * (n // 4))  # tell nothing of the labels
    severities = np.where(labels == 1, 3, -1).astype(np.int8)
    marks = [[int(t == 10) for t in row] if i % 2 else [] for i, row in enumerate(tokens)]
    texts = ["text"] * n
    weak = np.zeros((n, 2), np.bool_)
    return Rows(texts, tokens, marks, labels, weak, severities, languages, sources)


def toy_model(dropout: float = 0.1, *, train_embeddings: bool = False) -> TriageModel:
    encoder = tiny_encoder(N_TOKENS, seed=1)
    model = TriageModel(encoder, 2, dropout, train_embeddings=train_embeddings, n_sources=2)
    torch.manual_seed(3)
    torch.nn.init.normal_(model.head.weight, std=0.02)
    return model


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


def test_loss_ignores_unknown_labels() -> None:
    """Whatever the model says of an unknown cell, neither loss nor gradient changes."""
    labels = torch.tensor([[1, -1], [0, -1]], dtype=torch.int8)
    targets, weights = targets_and_weights(labels, torch.zeros(2, 2, dtype=torch.bool), 0.2)
    logits = torch.tensor([[0.3, 9.0], [-0.2, -9.0]], requires_grad=True)
    loss = masked_loss(logits, targets, weights)
    loss.backward()
    other = masked_loss(torch.tensor([[0.3, -4.0], [-0.2, 7.0]]), targets, weights)
    assert loss.item() == pytest.approx(other.item())
    assert logits.grad is not None
    assert logits.grad[:, 1].abs().sum() == 0


def test_assumed_absence_weighs_less_than_a_raters_word() -> None:
    """An assumed absence pulls down, with its own weight; a decided label keeps weight 1."""
    labels = torch.tensor([[1, -1, -1]], dtype=torch.int8)
    weak = torch.tensor([[True, True, False]])
    targets, weights = targets_and_weights(labels, weak, 0.2)
    assert weights.tolist() == [[1.0, pytest.approx(0.2), 0.0]]
    assert targets.tolist() == [[1.0, 0.0, 0.0]]


def test_a_batch_that_decides_nothing_costs_nothing() -> None:
    """An all-unknown batch gives zero, not NaN."""
    labels = torch.full((3, 2), -1, dtype=torch.int8)
    targets, weights = targets_and_weights(labels, torch.zeros(3, 2, dtype=torch.bool), 0.2)
    assert masked_loss(torch.randn(3, 2), targets, weights).item() == 0.0


def test_overfits_sixteen_rows() -> None:
    """A tiny random encoder learns sixteen rows by heart."""
    settings = replace(SETTINGS, n_steps=150, dropout=0.0)
    rows = toy_rows()
    run = train(start(toy_model(0.0), settings), rows, settings)
    logits = predict_logits(run.model, *pad(rows.tokens, 96)).numpy()
    decided = rows.labels >= 0
    assert ((logits > 0) == (rows.labels == 1))[decided].all()


def test_resume_equals_uninterrupted(tmp_path: Path) -> None:
    """Stopping and resuming gives bit for bit the weights of one run."""
    whole = train(start(toy_model(), SETTINGS), toy_rows(), SETTINGS)
    path = tmp_path / "checkpoint.pt"
    train(start(toy_model(), SETTINGS), toy_rows(), SETTINGS, path, stop_at=7)
    torch.rand(5)  # a new process has another random state
    run = resume(toy_model(), SETTINGS, path)
    assert run.step == 7
    rest = train(run, toy_rows(), SETTINGS, path)
    assert rest.step == whole.step == SETTINGS.n_steps
    assert same(rest.model.trained_state(), whole.model.trained_state())
    assert rest.loss == whole.loss


def test_word_embeddings_stay(tmp_path: Path) -> None:
    """Training leaves the word embeddings alone, and no checkpoint holds them."""
    model = toy_model()
    before = model.encoder.embeddings.word_embeddings.weight.clone()
    run = train(start(model, SETTINGS), toy_rows(), SETTINGS, tmp_path / "c.pt", stop_at=3)
    assert torch.equal(before, run.model.encoder.embeddings.word_embeddings.weight)
    stored = torch.load(tmp_path / "c.pt", weights_only=True)["model"]
    assert not any("word_embeddings" in name for name in stored)


def test_word_embeddings_learn_when_asked_to(tmp_path: Path) -> None:
    """With a rate of their own they change, are in the checkpoint, and resume exactly."""
    settings = replace(SETTINGS, embedding_learning_rate=1e-3)
    path = tmp_path / "c.pt"
    whole = train(start(toy_model(train_embeddings=True), settings), toy_rows(), settings)
    train(start(toy_model(train_embeddings=True), settings), toy_rows(), settings, path, stop_at=4)
    rest = train(resume(toy_model(train_embeddings=True), settings, path), toy_rows(), settings)
    assert same(rest.model.trained_state(), whole.model.trained_state())
    base = toy_model().encoder.embeddings.word_embeddings.weight
    assert not torch.equal(base, rest.model.encoder.embeddings.word_embeddings.weight)


def test_only_the_bases_embeddings_need_not_be_stored() -> None:
    """Frozen ones come from the base; those that learned have to be among the weights."""
    model, frozen = toy_model(train_embeddings=True), toy_model()
    state = frozen.trained_state()
    assert "encoder.embeddings.word_embeddings.weight" not in state
    frozen.load_trained_state(state)
    for wrong in (state, {"head.weight": model.head.weight}):
        with pytest.raises(ValueError, match="another model"):
            model.load_trained_state(wrong)


def test_refuses_a_checkpoint_of_other_settings(tmp_path: Path) -> None:
    """A checkpoint continues only under the settings it was made with."""
    save(start(toy_model(), SETTINGS), SETTINGS, tmp_path / "c.pt")
    with pytest.raises(InvalidInput, match="other settings"):
        resume(toy_model(), replace(SETTINGS, seed=2), tmp_path / "c.pt")


def test_rows_of_rare_outputs_can_be_drawn_more_often() -> None:
    """A positive that few rows have weighs more; frequent ones stay as they are."""
    rows = toy_rows(400)
    rows.labels[:, 0] = 0
    rows.labels[:2, 0] = 1  # under one in a hundred
    rows.labels[:, 1] = 1
    plain = row_weights(rows, {}, 0.5)
    boosted = row_weights(rows, {}, 0.5, rare_boost=5.0)
    assert boosted[:2] / boosted[2] == pytest.approx(5 * plain[:2] / plain[2])
    assert boosted.sum() == pytest.approx(1.0)


def test_learning_rate_rises_then_falls() -> None:
    """The rate warms up, peaks once, and ends at nothing."""
    factors = [learning_rate_factor(step, 20, 5) for step in range(21)]
    assert factors[0] == pytest.approx(0.2)
    assert max(factors) == factors[4] == 1.0
    assert factors[20] == 0.0
    assert factors[5:] == sorted(factors[5:], reverse=True)


def test_a_time_budget_becomes_a_number_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a number of steps, the measured speed and the budget decide it."""
    monkeypatch.setattr("training.learning.train.PROBE_STEPS", 3)
    settings = replace(SETTINGS, n_steps=0, budget_minutes=1e-9)
    run = train(start(toy_model(), settings), toy_rows(), settings)
    assert run.n_steps == run.step == 4


def longer(rows: Rows, pool: int) -> Rows:
    """Disguise one row in four: three times as long, and told by its pool."""
    random = np.random.default_rng(pool)
    tokens = [[*t, *t, pool] if random.random() < 0.25 else t for t in rows.tokens]
    return rows.with_tokens(tokens)


@pytest.mark.parametrize("disguise", [None, longer])
def test_batches_continue_at_any_step(disguise: Disguise | None) -> None:
    """The rows of a step, disguised or not, depend on the seed and the step alone."""
    rows, weights = toy_rows(48), np.full(48, 1 / 48)
    whole = batches(rows, weights, 4, 64, seed=1, disguise=disguise)
    steps = [next(whole).tokens for _ in range(2 * BATCHES_PER_POOL + 3)]
    start = BATCHES_PER_POOL + 5
    later = batches(rows, weights, 4, 64, seed=1, start=start, disguise=disguise)
    for expected in steps[start:]:
        assert next(later).tokens == expected


def test_disguised_rows_lie_among_rows_as_long() -> None:
    """A batch is sorted by what its rows are after the disguise, so that little is padded."""
    rows, weights = toy_rows(48), np.full(48, 1 / 48)
    drawn = batches(rows, weights, 4, 64, seed=1, disguise=longer)
    found = sorted(sorted(map(len, next(drawn).tokens)) for _ in range(BATCHES_PER_POOL))
    assert found[0][0] < found[-1][-1]
    assert all(one[-1] <= other[0] for one, other in pairwise(found))


def test_sources_can_be_drawn_more_often() -> None:
    """A boost multiplies a source's share of its language, and no other language's."""
    sources = np.array(["a"] * 25 + ["b"] * 25 + ["c"] * 50)
    rows = replace(toy_rows(100), languages=np.array(["en"] * 50 + ["ko"] * 50), sources=sources)
    weights = row_weights(rows, {}, 0.5, source_boosts={"b": 3.0})
    assert weights[sources == "b"].sum() == pytest.approx(3 * weights[sources == "a"].sum())
    assert weights[sources == "c"].sum() == pytest.approx(0.5)


def test_languages_are_drawn_by_their_share() -> None:
    """A language's share does not depend on how many rows it has."""
    languages = np.array(["en"] * 90 + ["ko"] * 10)
    rows = toy_rows(100).take(np.arange(100))
    rows = replace(rows, languages=languages, sources=languages)
    weights = row_weights(rows, {"en": 0.5, "ko": 0.5}, 0.5)
    assert weights[languages == "ko"].sum() == pytest.approx(0.5)


def test_written_examples_have_their_share_of_each_language() -> None:
    """However few or many there are; a language with nothing else draws them alone."""
    sources = np.array(["a"] * 70 + ["b"] * 10 + ["written_en"] * 10 + ["written_ko"] * 10)
    languages = np.array(["en"] * 90 + ["ko"] * 10)
    rows = replace(toy_rows(100), languages=languages, sources=sources)
    weights = row_weights(rows, {"en": 0.8, "ko": 0.2}, 0.5, written_share=0.12)
    shares = {str(name): weights[sources == name].sum() for name in np.unique(sources)}
    assert shares["written_en"] == pytest.approx(0.8 * 0.12)
    assert shares["written_ko"] == pytest.approx(0.2)
    assert shares["a"] / shares["b"] == pytest.approx(7**0.5)


def test_padding_keeps_the_end_mark() -> None:
    """A cut text still ends with its end mark, and padding is masked."""
    ids, mask = pad([[0, 5, 6, 7, 8, 2], [0, 2]], max_tokens=4)
    assert ids.tolist() == [[0, 5, 6, 2], [0, 2, PAD_ID, PAD_ID]]
    assert mask.tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
