"""Cases under two placements; every argument that is not given has a plain default."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tests.unit.builders import NOW
from triage_ml.domain.claim_order import OrderRules
from triage_ml.domain.comparison import Comparison, Kind, Subject, gate
from triage_ml.domain.delay import Plan, Side, delay_of
from triage_ml.domain.queue_diff import Pair, Stand, diff_of
from triage_ml.domain.staffing import Crew, Staffing
from triage_ml.domain.taxonomy import Label, Language, Tier

DAY = timedelta(days=1)


def stand(
    tier: int = 3,
    queue: str = "std",
    base: float = 1.0,
    later: timedelta = timedelta(0),
    hours: float = 0.0,
) -> Stand:
    """Due a day after `NOW`, moved by `later`; the case came `hours` after it."""
    return Stand(Tier(tier), queue, NOW + DAY + timedelta(hours=hours) + later, base)


def pair(number: int, *, hours: float = 0.0, minutes: float = 2.0, **changes: Any) -> Pair:
    """Make a case that came `hours` after `NOW` and takes `minutes`."""
    fields: dict[str, Any] = {
        "language": Language.EN,
        "labels": (Label.HARASSMENT,),
        "harm": 1.0,
        "decided": None,
        "restricted": False,
        "before": stand(hours=hours),
    }
    given = {**fields, **changes}
    return Pair(
        case_id=UUID(int=number),
        arrived_at=NOW + timedelta(hours=hours),
        handling_seconds=60 * minutes,
        **{"after": given["before"], **given},
    )


def made(
    pairs: Sequence[Pair],
    *,
    at: datetime = NOW,
    number: int = 1,
    kind: Kind = Kind.MODELS,
    models: tuple[str, str] = ("m-1", "m-2"),
) -> Comparison:
    """Compare these cases, with one reviewer who may see all of them."""
    order = OrderRules(100.0, 1.0, 120.0, 0.0)
    side = Side(order, Staffing((Crew("a", 1, restricted=True),), "one"), frozenset({"child"}))
    before, after = (Subject(model, "p-1", learning_known=True) for model in models)
    found = Comparison(
        comparison_id=UUID(int=number),
        at=at,
        by="mara",
        kind=kind,
        before=before,
        after=after,
        first_at=NOW,
        last_at=NOW,
        n_unscored=0,
        diff=diff_of([row for row in pairs if not row.restricted]),
        restricted=diff_of([row for row in pairs if row.restricted]),
        delay=delay_of(pairs, side, side, Plan(5, 1, 0.5)),
    )
    return replace(found, breaches=tuple(gate(found)))
