"""How many labels does choosing save? Rounds of 50 labels, several strategies, against chance.

    python -m benchmarks.labelling            pool, runs, report; again, it goes on where it stopped

Needs TRIAGE_DATA. Each run is one strategy with one seed; what is finished is not run again.
"""

import os
import random
import time
from pathlib import Path
from uuid import UUID

import numpy as np

from benchmarks.labelling.learn import Floats, Inputs, Rows, fit, inputs_of, predict
from benchmarks.labelling.pool import LABELS, Pool, make_pool
from benchmarks.labelling.report import write_report
from triage_ml.domain.labelling import (
    MIX,
    Candidate,
    Group,
    Strategy,
    choose,
    group_alike,
    news_of,
)
from triage_ml.domain.scores import LabelScore, LabelScores
from triage_ml.domain.sketch import Sketch
from triage_ml.domain.taxonomy import Label, Language, Support

FOLDER = Path("var/labelling")
STRATEGIES: dict[str, tuple[dict[Strategy, float], float]] = {
    "random": ({}, 1.0),
    "uncertainty": ({Strategy.UNCERTAINTY: 1.0}, 0.0),
    "disagreement": ({Strategy.DISAGREEMENT: 1.0}, 0.0),
    "cluster": ({Strategy.CLUSTER: 1.0}, 0.0),
    "mixed": (dict(MIX), 0.2),
}
"""Shares of the ranked picks, and the share of all that is drawn by chance."""
SEEDS = range(15)
PER_ROUND = 50
N_ROUNDS = 20
SEEN = 2_000
"""Open cases that a round chooses from, as the worker does."""
HEADS = tuple(Label(name) for name in LABELS)


def main() -> None:
    data = Path(os.environ["TRIAGE_DATA"])
    (FOLDER / "runs").mkdir(parents=True, exist_ok=True)
    stored = FOLDER / "pool.npz"
    if not stored.is_file():
        make_pool(data).save(stored)
    pool = Pool.load(stored)
    for seed in SEEDS:
        for name in STRATEGIES:
            path = FOLDER / "runs" / f"{name}-{seed}.npz"
            if not path.is_file():
                began = time.monotonic()
                _keep(path, run(pool, name, seed))
                print(f"{name} {seed}: {time.monotonic() - began:.0f} s", flush=True)
    write_report(pool, FOLDER / "runs", list(STRATEGIES), list(SEEDS), PER_ROUND)


def run(pool: Pool, name: str, seed: int) -> Floats:
    """Label round after round; give what the model then says of the test rows.

    # (rounds + 1, tested, C)
    """
    trusting, blind = inputs_of(pool), inputs_of(pool, trusting=False)
    tested = np.flatnonzero(pool.tested)
    chance = random.Random(seed)
    left = np.random.default_rng(seed).permutation(np.flatnonzero(~pool.tested)).tolist()
    labelled: list[int] = []
    weights = np.zeros((trusting.features.shape[1], trusting.truth.shape[1]))
    said = [predict(trusting, weights, tested)]
    other = np.zeros((blind.features.shape[1], blind.truth.shape[1]))
    for _ in range(N_ROUNDS):
        seen = chance.sample(left, min(SEEN, len(left)))
        cases = _candidates(pool, np.array(seen), labelled, (trusting, weights), (blind, other))
        mix, random_share = STRATEGIES[name]
        n_random = round(PER_ROUND * random_share)
        picks = choose(
            cases,
            PER_ROUND - n_random,
            n_random,
            HEADS,
            chance,
            max_per_language=PER_ROUND // 2,
            mix=mix,
        )
        chosen = {pick.case_id.int for pick in picks}
        labelled += chosen
        left = [row for row in left if row not in chosen]
        weights = fit(trusting, np.array(labelled), before=weights)
        other = fit(blind, np.array(labelled), before=other)
        said.append(predict(trusting, weights, tested))
    return np.array(said)


def _candidates(
    pool: Pool,
    seen: Rows,
    labelled: list[int],
    live: tuple[Inputs, Floats],
    trial: tuple[Inputs, Floats],
) -> list[Candidate]:
    rows = [*seen.tolist(), *labelled]
    sketches = [
        (UUID(int=row), Sketch(tuple(pool.bands[row].tolist()), pool.signatures[row].tobytes()))
        for row in rows
    ]
    known = set(labelled)
    groups: dict[int, Group] = {}
    for members in group_alike(sketches):
        n_known = sum(member.int in known for member in members)
        group = Group(str(members[0]), news_of(len(members) - n_known, n_known))
        groups |= {member.int: group for member in members}
    said, doubted = predict(*live, seen).tolist(), predict(*trial, seen).tolist()
    return [
        Candidate(
            case_id=UUID(int=row),
            scores=_scores(pool, row, said[at], "live"),
            reported={},
            challenger=_scores(pool, row, doubted[at], "trial"),
            group=groups.get(row),
        )
        for at, row in enumerate(seen.tolist())
    ]


def _scores(pool: Pool, row: int, said: list[float], version: str) -> LabelScores:
    labels = {
        label: LabelScore(p, p, 2.0, Support.MEASURED)
        for label, p in zip(HEADS, said, strict=False)  # the last output is any violation
    }
    return LabelScores(labels, said[-1], Language(str(pool.languages[row])), version)


def _keep(path: Path, said: Floats) -> None:
    draft = path.with_suffix(".part.npz")
    np.savez_compressed(draft, said=said.astype(np.float32))
    draft.replace(path)


if __name__ == "__main__":
    main()
