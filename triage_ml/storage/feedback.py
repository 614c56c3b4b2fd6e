"""Decided texts in order, and erasing the texts of an item."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from triage_ml.domain.decision import Action
from triage_ml.domain.example import NEVER_LEARNT, DecidedText, Exclusion, Given, GivenKind
from triage_ml.domain.quality import Outcome
from triage_ml.domain.report import OTHER_REASON
from triage_ml.domain.taxonomy import Label, Language, Severity
from triage_ml.errors import NotFound
from triage_ml.ports.cases import StepFunction
from triage_ml.ports.feedback import ErasedItem, Place
from triage_ml.storage import rows
from triage_ml.storage.pool import QUERIES, Connection, Transactions
from triage_ml.storage.rows import Row

_NEVER = [label.value for label in sorted(NEVER_LEARNT)]


class StoredFeedback(Transactions):
    """See `triage_ml.ports.FeedbackStore`."""

    async def decided_texts(
        self,
        since: datetime,
        until: datetime,
        queues: Sequence[str],
        after: Place | None,
        limit: int,
    ) -> list[DecidedText]:
        place = after or Place(since, UUID(int=0))
        async with self._connection() as connection:
            page = QUERIES.decided_page(
                connection,
                since=since,
                until=until,
                after_at=place.decided_at,
                after_id=place.case_id,
                queues=list(queues),
                never=_NEVER,
                limit=limit,
            )
            cases = [row async for row in page]
            free = [row["case_id"] for row in cases if _excluded(row) is None]
            given: dict[UUID, list[Given]] = {case_id: [] for case_id in free}
            async for row in QUERIES.verdicts_given(connection, case_ids=free):
                given[row["case_id"]].append(_given(row))
        return [_decided(row, given.get(row["case_id"], [])) for row in cases]

    async def erase_item(self, item_id: str, at: datetime, step: StepFunction) -> ErasedItem:
        async def work(connection: Connection) -> ErasedItem:
            await QUERIES.lock_item(connection, item_id=item_id)
            every = [
                row["case_id"]
                async for row in QUERIES.lock_cases_of_item(connection, item_id=item_id)
            ]
            standing = [
                row["case_id"]
                async for row in QUERIES.cases_not_erased(connection, item_id=item_id)
            ]
            n_versions = int(await QUERIES.erase_versions(connection, item_id=item_id, at=at))
            for case_id in standing:
                case = rows.case_of(await QUERIES.load_case(connection, case_id=case_id))
                text = rows.change_text(step(case), at)
                await QUERIES.save_cases(connection, changes=rows.json_list([text]))
            await QUERIES.forget_sketches(connection, case_ids=every)
            await QUERIES.forget_emerging_of(connection, case_ids=every)
            told = await QUERIES.erased_since(connection, item_id=item_id)
            if not told["n_versions"]:
                raise NotFound("item", item_id)
            return ErasedItem(item_id, told["erased_at"], n_versions, len(every))

        return await self._run(work)


def _excluded(row: Row) -> Exclusion | None:
    """Say why a case may not leave: the restriction goes before everything."""
    if row["hidden"]:
        return Exclusion.RESTRICTED
    if row["erased"]:
        return Exclusion.ERASED
    return Exclusion.UNDER_APPEAL if row["under_appeal"] else None


def _decided(row: Row, given: Sequence[Given]) -> DecidedText:
    excluded = _excluded(row)
    if excluded is not None:
        language = Language.UND if excluded is Exclusion.RESTRICTED else Language(row["language"])
        return DecidedText(row["case_id"], row["decided_at"], language, excluded=excluded)
    return DecidedText(
        case_id=row["case_id"],
        decided_at=row["decided_at"],
        language=Language(row["language"]),
        text=row["body"],
        reasons=frozenset(Label(name) for name in row["reasons"] if name != OTHER_REASON),
        given=tuple(given),
    )


def _given(row: Row) -> Given:
    return Given(
        kind=GivenKind(row["kind"]),
        at=row["at"],
        reviewer=row["reviewer"],
        findings={Label(x): Severity(severity) for x, severity in row["findings"].items()},
        action=Action(row["action"]),
        stage=row["stage"],
        policy_version=row["policy_version"],
        asked=frozenset(map(Label, row["asked"])),
        upheld=row["upheld"],
        blind=row["blind"],
        drawn_at_random=row["drawn_at_random"],
        propensity=row["propensity"],
        claim_id=row["claim_id"],
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
    )
