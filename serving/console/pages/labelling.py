"""What is chosen to learn from: the day's budget, and what picks brought."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from serving.console.frame import render
from serving.console.session import signed_in_with
from serving.dependencies import Running
from triage_ml.domain.account import Account
from triage_ml.domain.labelling import Strategy
from triage_ml.domain.stats import wilson
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.ports.labelling import PickResult

router = APIRouter(prefix="/console/labelling", include_in_schema=False)

Learner = Annotated[Account, Depends(signed_in_with("ml"))]


@dataclass(frozen=True, slots=True)
class ResultRow:
    """What a strategy brought in a language, or in all of them (None); labels most first."""

    language: Language | None
    strategy: Strategy
    n_picked: int
    n_waiting: int
    n_left: int
    n_missed: int
    n_decided: int
    n_upheld: int
    labels: tuple[tuple[Label, int], ...]

    @property
    def share(self) -> float | None:
        return self.n_upheld / self.n_decided if self.n_decided else None

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.n_upheld, self.n_decided)


@router.get("")
async def show_labelling(request: Request, service: Running, who: Learner) -> Response:  # noqa: ARG001
    """Show the budget and the results; counts only, no case."""
    status = await service.labelling.status()
    return render(
        request,
        "labelling.html",
        found=status,
        today=Counter(row.pick.strategy for row in status.today),
        strategies=list(Strategy),
        totals=result_rows(status.results, by_language=False),
        rows=result_rows(status.results, by_language=True),
    )


def result_rows(results: Iterable[PickResult], *, by_language: bool) -> list[ResultRow]:
    """Sum up results by strategy, and by language where asked for, chance first."""
    order = list(Strategy)
    groups: dict[tuple[Language | None, Strategy], list[PickResult]] = {}
    for row in results:
        groups.setdefault((row.language if by_language else None, row.strategy), []).append(row)
    keys = sorted(groups, key=lambda key: (key[0] or "", order.index(key[1])))
    return [_summed(*key, groups[key]) for key in keys]


def _summed(
    language: Language | None, strategy: Strategy, results: Sequence[PickResult]
) -> ResultRow:
    labels = Counter[str]()
    for row in results:
        labels.update(row.labels)
    found = sorted(labels.items(), key=lambda pair: (-pair[1], pair[0]))
    return ResultRow(
        language=language,
        strategy=strategy,
        n_picked=sum(row.n_picked for row in results),
        n_waiting=sum(row.n_waiting for row in results),
        n_left=sum(row.n_left for row in results),
        n_missed=sum(row.n_missed for row in results),
        n_decided=sum(row.n_decided for row in results),
        n_upheld=sum(row.n_upheld for row in results),
        labels=tuple((Label(name), n) for name, n in found),
    )
