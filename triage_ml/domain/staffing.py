"""Who is at the desk when: crews of reviewers with languages, queues, days and hours."""

import re
from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from math import ceil
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from triage_ml.domain.document import Document, Table
from triage_ml.domain.taxonomy import Language
from triage_ml.errors import InvalidInput, PolicyInvalid

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_REVIEWERS = 10_000
USUAL_LOAD = 0.85
"""Share of the assumed reviewers' time that the cases need."""

SHORTEST_SPAN = timedelta(hours=8)
"""Cases that came within less are worked off within a shift of this length."""

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24):([0-5]\d)")
_KEYS = (
    *("name", "reviewers", "languages", "queues", "restricted"),
    *("time_zone", "hours", "days", "productive"),
)

Span = tuple[float, float]
"""From and until, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Crew:
    """Reviewers who work alike. No `languages`: any; no `queues`: every one that is not restricted.

    `hours` are (from, until) in minutes of the local day, past midnight where until is not later;
    none: all day. `productive` is the share of that time which goes into cases.
    """

    name: str
    n_reviewers: int
    languages: frozenset[Language] = frozenset()
    queues: frozenset[str] = frozenset()
    restricted: bool = False
    zone: tzinfo = UTC
    hours: tuple[tuple[int, int], ...] = ()
    days: frozenset[int] = frozenset(range(7))
    productive: float = 1.0

    def serves(self, queue: str, language: str, restricted: Collection[str]) -> bool:
        if self.languages and language not in self.languages:
            return False
        if queue in restricted and not self.restricted:
            return False
        return not self.queues or queue in self.queues

    def duty(self, since: datetime, until: datetime) -> tuple[Span, ...]:
        """Give the times at work in order, those that touch joined."""
        if not self.hours and len(self.days) == len(DAYS):
            return ((since.timestamp(), until.timestamp()),)
        spans: list[Span] = []
        day = since.astimezone(self.zone).date() - timedelta(days=1)
        while day <= until.astimezone(self.zone).date():
            if day.weekday() in self.days:
                spans += [self._span(day, *hours) for hours in self.hours or ((0, 24 * 60),)]
            day += timedelta(days=1)
        return _joined(spans, since.timestamp(), until.timestamp())

    def _span(self, day: date, begins: int, ends: int) -> Span:
        last = day + timedelta(days=ends <= begins)
        return self._moment(day, begins), self._moment(last, ends)

    def _moment(self, day: date, minutes: int) -> float:
        day += timedelta(days=minutes // (24 * 60))
        hour, minute = divmod(minutes % (24 * 60), 60)
        return datetime.combine(day, time(hour, minute), self.zone).timestamp()


@dataclass(frozen=True, slots=True)
class Staffing:
    """All crews, in the order in which they are offered a case; `words` tell it to a person."""

    crews: tuple[Crew, ...]
    words: str


def _joined(spans: Sequence[Span], since: float, until: float) -> tuple[Span, ...]:
    found: list[Span] = []
    for begins, ends in sorted(spans):
        begins, ends = max(begins, since), min(ends, until)
        if begins >= ends:
            continue
        if found and begins <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ends))
        else:
            found.append((begins, ends))
    return tuple(found)


def on_duty(spans: Sequence[Span], at: float) -> bool:
    n = bisect_right(spans, at, key=lambda span: span[0])
    return n > 0 and at < spans[n - 1][1]


def next_duty(spans: Sequence[Span], at: float) -> float | None:
    """Say when work begins again after `at`; None when it does not."""
    n = bisect_right(spans, at, key=lambda span: span[0])
    return spans[n][0] if n < len(spans) else None


def assumed_staffing(loads: Mapping[Language, float], span: timedelta) -> Staffing:
    """Staff each language round the clock so that its cases need `USUAL_LOAD` of the time.

    `loads` are the seconds of handling that came in `span`. Reviewers may take restricted cases.
    """
    seconds = max(span, SHORTEST_SPAN).total_seconds()
    crews = []
    for language in sorted(loads):
        need = loads[language] / seconds / USUAL_LOAD  # reviewers, with a fraction
        if need > 0:
            n = ceil(need)
            crews.append(
                Crew(language.value, n, frozenset({language}), restricted=True, productive=need / n)
            )
    words = f"assumed: each language round the clock, loaded to {USUAL_LOAD:.0%}"
    return Staffing(tuple(crews), words)


def parse_staffing(document: Document, file: str) -> Staffing:
    """Read a staffing file. Raises: InvalidInput with file, field and reason."""
    table = Table(file, document)
    try:
        table.only(("group",))
        crews = tuple(_crew(row) for row in _groups(table))
    except PolicyInvalid as error:
        raise InvalidInput(f"{error.file} {error.field}", error.reason) from error
    return Staffing(crews, f"{file}: {sum(crew.n_reviewers for crew in crews)} reviewers")


def check_queues(staffing: Staffing, queues: Collection[str]) -> None:
    """Refuse a queue that no policy has. Raises: InvalidInput."""
    for number, crew in enumerate(staffing.crews):
        if unknown := crew.queues - set(queues):
            raise InvalidInput(f"group[{number}].queues", f"no policy has a queue {min(unknown)}")


def _groups(table: Table) -> list[Table]:
    rows = table.document.get("group")
    if not isinstance(rows, list) or not rows:
        raise PolicyInvalid(table.file, "group", "must be one or more tables [[group]]")
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise PolicyInvalid(table.file, f"group[{number}]", "must be a table")
    return [Table(table.file, row, f"group[{number}]") for number, row in enumerate(rows)]


def _crew(row: Table) -> Crew:
    row.only(_KEYS)
    known = row.document
    return Crew(
        name=row.get("name", str),
        n_reviewers=row.whole("reviewers", 1, MAX_REVIEWERS),
        languages=frozenset(_language(row, name) for name in _words(row, "languages")),
        queues=frozenset(_words(row, "queues")),
        restricted="restricted" in known and row.get("restricted", bool),
        zone=_zone(row) if "time_zone" in known else UTC,
        hours=tuple(_hours(row, written) for written in _words(row, "hours")),
        days=frozenset(_day(row, name) for name in _words(row, "days")) or frozenset(range(7)),
        productive=row.number("productive", 0.05, 1) if "productive" in known else 1.0,
    )


def _words(row: Table, key: str) -> list[str]:
    found = row.get(key, list) if key in row.document else []
    if not all(isinstance(word, str) for word in found):
        raise PolicyInvalid(row.file, row.at(key), "must be a list of words")
    return found


def _language(row: Table, name: str) -> Language:
    if name not in set(Language):
        known = ", ".join(Language)
        raise PolicyInvalid(row.file, row.at("languages"), f"{name} is not one of {known}")
    return Language(name)


def _day(row: Table, name: str) -> int:
    if name not in DAYS:
        raise PolicyInvalid(row.file, row.at("days"), f"{name} is not one of {', '.join(DAYS)}")
    return DAYS.index(name)


def _hours(row: Table, written: str) -> tuple[int, int]:
    found = _HOURS.fullmatch(written)
    if found is None or (found[3] == "24" and found[4] != "00"):
        reason = f"{written} is no span of a day, as in 09:00-17:00"
        raise PolicyInvalid(row.file, row.at("hours"), reason)
    begins, ends = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    return begins, ends


def _zone(row: Table) -> tzinfo:
    name = row.get("time_zone", str)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        reason = "must be the name of a time zone, as in Europe/Berlin"
        raise PolicyInvalid(row.file, row.at("time_zone"), reason) from error
