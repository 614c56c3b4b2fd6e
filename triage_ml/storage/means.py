"""What chance drew and what was received, added up by what the model said of it."""

from typing import Any

from triage_ml.domain.means import MeansSample, Sums
from triage_ml.domain.taxonomy import Language
from triage_ml.ports.means import DrawnGroup, MeansWindow, ReceivedGroup, Said
from triage_ml.storage.pool import QUERIES, Transactions
from triage_ml.storage.rows import Row


class StoredMeans(Transactions):
    """See `triage_ml.ports.means.MeansStore`."""

    async def chance_draws(self, window: MeansWindow) -> list[DrawnGroup]:
        async with self._connection() as connection:
            found = QUERIES.chance_draws(connection, **_asked(window))
            return [
                DrawnGroup(
                    MeansSample(row["sample"]),
                    _said(row),
                    _true(row),
                    Sums(row["n"], row["weights"], row["squares"]),
                )
                async for row in found
            ]

    async def received_groups(self, window: MeansWindow) -> list[ReceivedGroup]:
        async with self._connection() as connection:
            found = QUERIES.received_groups(connection, **_asked(window))
            return [
                ReceivedGroup(
                    said=_said(row),
                    true=_true(row),
                    n=row["n"],
                    n_uncovered=row["n_uncovered"],
                    known=row["known"],
                    waiting=row["waiting"],
                    draws=Sums(row["n_drawn"], row["weights"], row["squares"]),
                )
                async for row in found
            ]


def _asked(window: MeansWindow) -> dict[str, Any]:
    return {
        "since": window.since,
        "until": window.until,
        "any_queue": window.queues is None,
        "queues": list(window.queues or ()),
    }


def _said(row: Row) -> Said:
    return Said(
        Language(row["language"]),
        row["model_version"],
        frozenset(row["scored"]),
        frozenset(row["found"]),
    )


def _true(row: Row) -> frozenset[str] | None:
    return None if row["found_true"] is None else frozenset(row["found_true"])
