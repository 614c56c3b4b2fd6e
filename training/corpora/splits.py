"""Decide which split each example goes to.

A text's own hash chooses its bucket, so that it is on the same side in every snapshot. Near
duplicates and texts of one author, thread or family stay together: with the training rows if
one of them belongs there, so that more corpora move rows into training and not out of it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from training.config import Experiment
from training.corpora.duplicates import Clusters, near_duplicates
from training.corpora.examples import Example

TRAIN, CALIBRATE, DEV, PROBE = "train", "calibrate", "dev", "probe"
"""`probe` holds corpora that may be measured on but not trained on."""


def own_split(key: str, experiment: Experiment) -> str:
    """Choose the bucket from the text's own hash."""
    bucket = int(key[:8], 16) % 100
    if bucket < experiment.calibrate_percent:
        return CALIBRATE
    return DEV if bucket < experiment.calibrate_percent + experiment.dev_percent else TRAIN


def assign_splits(
    examples: Sequence[Example], experiment: Experiment, dropped: Counter[str]
) -> list[str | None]:
    """Give each example its split, or None where it is too near to a measured one.

    Publishers' test rows stay measured: what is near to them leaves training. Examples written
    for the project train and calibrate, they are never measured on.
    """
    clusters = near_duplicates([example.text for example in examples])
    _join_groups(examples, clusters)
    members: dict[int, list[int]] = {}
    for row in range(len(examples)):
        members.setdefault(clusters.of(row), []).append(row)
    splits: list[str | None] = [None] * len(examples)
    for rows in members.values():
        for row, split in zip(
            rows, _of_cluster([examples[r] for r in rows], experiment, dropped), strict=True
        ):
            splits[row] = split
    dropped["near_duplicates_joined"] = sum(len(rows) - 1 for rows in members.values())
    return splits


def _join_groups(examples: Sequence[Example], clusters: Clusters) -> None:
    first: dict[str, int] = {}
    for row, example in enumerate(examples):
        for group in example.groups:
            clusters.join(first.setdefault(group, row), row)


def _of_cluster(
    cluster: Sequence[Example], experiment: Experiment, dropped: Counter[str]
) -> Iterable[str | None]:
    free = [e for e in cluster if not (e.held_out or e.research)]
    tested = any(e.held_out and not e.research for e in cluster)
    shared = _shared_split(free, experiment)
    for example in cluster:
        if example.research:
            near = shared == TRAIN and not tested
            dropped["probe_near_training"] += near
            yield None if near else PROBE
        elif example.held_out:
            yield DEV
        elif tested and shared != DEV:
            dropped["near_a_test_row"] += 1
            yield None
        else:
            yield shared


def _shared_split(free: Sequence[Example], experiment: Experiment) -> str | None:
    own = {own_split(example.key, experiment) for example in free}
    if any(example.written for example in free) and TRAIN not in own:
        return CALIBRATE
    return next((split for split in (TRAIN, CALIBRATE, DEV) if split in own), None)
