"""A comparison for a terminal and as JSON. Nothing restricted is in either."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from pydantic import TypeAdapter
from rich.markup import escape
from rich.table import Table

from triage_ml.commands.words import print_table, say
from triage_ml.domain.comparison import Comparison, Subject
from triage_ml.domain.delay import DelayReport, DelayRow
from triage_ml.domain.queue_diff import Flow, Pair, Part, QueueDiff
from triage_ml.domain.spread import Spread
from triage_ml.domain.waited import MEASURES

N_FLOWS = 12
N_MOVES = 20
_VIOLATIONS = ("violations risen", "violations sunk")
_KINDS = ("all", "gap", "language")
_TIME = "%Y-%m-%d %H:%M"
_COMPARISON = TypeAdapter(Comparison)


def as_json(made: Comparison) -> bytes:
    return _COMPARISON.dump_json(made.for_everybody(), indent=1) + b"\n"


def print_comparison(made: Comparison) -> None:
    shown = made.for_everybody()
    say(f"before  {_subject(made.before)}")
    say(f"after   {_subject(made.after)}")
    span = f"{made.first_at:{_TIME}} to {made.last_at:{_TIME}} UTC"
    say(f"{made.n_cases} cases, {span}; {made.n_unscored} without scores on a side")
    if n := made.restricted.total.n_cases:
        say(f"{n} of them are restricted: played, and shown to nobody here")
    say(_total(shown.diff.total))
    tables = (*_diff_tables(shown.diff), _delay_table(shown.delay))
    for table in tables:
        if table.row_count:
            print_table(table)
    say(f"staffing  before: {made.delay.staffing_before}")
    say(f"          after:  {made.delay.staffing_after}")
    if made.delay.n_unserved:
        say(f"{made.delay.n_unserved} cases have nobody who may take them")
    for breach in shown.breaches:
        say(f"speaks against it: {breach}")
    if not shown.breaches:
        say("nothing speaks against it")
    for line in worth_a_look(shown):
        say(line)
    say(f"kept as {made.comparison_id}")


def worth_a_look(made: Comparison) -> Iterable[str]:
    """Give what no gate forbids and somebody should see before a promotion."""
    for model in made.unknown_learners:
        yield f"until when {model} learned from decisions is not known: it may remember these cases"
    if made.came_later is not None and made.learned_until is not None:
        yield _later(made.came_later, made.diff.total.n_cases, _minute(made.learned_until))
    for part in made.diff.sinking:
        yield (
            f"look at these: in {part.name} {part.n_violations_sunk} decided violations sink and "
            f"{part.n_violations_risen} rise, more than chance explains"
        )


def _later(later: Part, n_cases: int, until: str) -> str:
    if not later.n_cases:
        return (
            f"decisions until {until} were learned from, and none of the {n_cases} cases is new "
            "since: they say less than it seems"
        )
    return (
        f"decisions until {until} were learned from; of {n_cases} cases {later.n_cases} are new "
        f"since, and of these alone {_total(later)}"
    )


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):{_TIME}} UTC"


def _subject(subject: Subject) -> str:
    learned = subject.learned_until
    told = f", learned from decisions until {_minute(learned)}" if learned else ""
    return f"{subject.model}, policy {subject.policy}{told}"


def _total(total: Part) -> str:
    return (
        f"{total.n_rise} rise, {total.n_sink} sink, {total.n_aside} go to another queue beside; "
        f"decided as violations, of those that sink: {total.n_violations_sunk}"
    )


def _diff_tables(diff: QueueDiff) -> Iterable[Table]:
    if not diff.moves:
        return
    yield _flows("tier", diff.tiers)
    yield _flows("queue", diff.queues)
    yield _parts("language", diff.languages)
    yield _parts("label", diff.labels)
    yield _moves(diff.moves[:N_MOVES])


def _flows(name: str, flows: Iterable[Flow]) -> Table:
    table = Table(f"{name} before", f"{name} after", "cases", "harm per hour")
    for flow in tuple(flows)[:N_FLOWS]:
        table.add_row(escape(flow.before), escape(flow.after), str(flow.n), f"{flow.harm:.1f}")
    return table


def _parts(name: str, parts: Iterable[Part]) -> Table:
    table = Table(name, "cases", "rise", "sink", "aside", *_VIOLATIONS, "harm sunk")
    for part in parts:
        counts = (part.n_cases, part.n_rise, part.n_sink, part.n_aside)
        risen = "" if part.n_violations_risen is None else part.n_violations_risen
        numbers = map(str, (*counts, risen, part.n_violations_sunk))
        table.add_row(escape(part.name), *numbers, f"{part.harm_sunk:.1f}")
    return table


def _moves(moves: Iterable[Pair]) -> Table:
    table = Table("case", "language", "decided", "before", "after", "harm per hour")
    for move in moves:
        decided = "" if move.decided is None else f"S{int(move.decided)}"
        sides = (
            f"T{int(x.tier)} {x.queue} {x.due_at:%m-%d %H:%M}" for x in (move.before, move.after)
        )
        table.add_row(str(move.case_id), move.language, decided, *sides, f"{move.harm:.1f}")
    return table


def _delay_table(report: DelayReport) -> Table:
    title = f"{report.n_repeats} repetitions, seed {report.seed}: mean [95 % of repetitions]"
    table = Table("of", "measure", "before", "after", "difference", title=title)
    for row in report.rows:
        if row.kind in _KINDS:
            for name in MEASURES:
                if name in row.after:
                    table.add_row(_name(row), name, *_cells(row, name))
    return table


def _name(row: DelayRow) -> str:
    return {"all": "all", "gap": "worst less best language"}.get(row.kind, row.name)


def _cells(row: DelayRow, name: str) -> Iterable[str]:
    for spreads in (row.before, row.after, row.difference):
        yield _spread(spreads, name)


def _spread(spreads: Mapping[str, Spread], name: str) -> str:
    found = spreads.get(name)
    return escape(f"{found.mean:.3g} [{found.low:.3g}, {found.high:.3g}]") if found else ""
