"""The page of drift: where every series stands, and the charts of one language."""

from collections import defaultdict
from collections.abc import Sequence

from serving.console.charts import Chart, ChartRow
from serving.console.drift_words import measure_name, state_text, strength_text, value_text
from serving.console.i18n import Voice, lazy
from triage_ml.domain.drift import ALL
from triage_ml.domain.drift_ledger import Key
from triage_ml.domain.drift_watch import CALM, Reading
from triage_ml.domain.taxonomy import Language

_l = lazy
PARTS = (ALL, *(language.value for language in Language))

Standing = tuple[str, list[tuple[str, bool]]]
"""A measure's name, and for each of `PARTS` a text and whether it is above the limit."""


def standings(readings: Sequence[Reading], voice: Voice) -> list[tuple[bool, list[Standing]]]:
    """Lay out where series stand: those of all labels together, then those of each label.

    A row is its name, and for each of `PARTS` a text and whether it is above the limit.
    """
    found = {row.key: row for row in readings}
    measures = list(dict.fromkeys(row.measure for row in readings))
    measures.sort(key=lambda measure: (":" in measure, measure))
    tables: list[tuple[bool, list[Standing]]] = []
    for of_labels in (False, True):
        rows = [
            (
                measure_name(voice, Key(measure, ALL)),
                [_cell(found.get(Key(measure, part)), voice) for part in PARTS],
            )
            for measure in measures
            if (":" in measure) is of_labels
        ]
        if rows:
            tables.append((of_labels, rows))
    return tables


def _cell(reading: Reading | None, voice: Voice) -> tuple[str, bool]:
    return ("–", False) if reading is None else (state_text(voice, reading), reading.alarms)


def charts_of_drift(readings: Sequence[Reading], voice: Voice) -> tuple[Chart, ...]:
    """Lay out a chart per measure that was tested; of single labels those that stood out."""
    series: dict[Key, list[Reading]] = defaultdict(list)
    for row in readings:
        series[row.key].append(row)
    shown = {key: rows for key, rows in series.items() if any(row.z is not None for row in rows)}
    order = sorted(shown, key=lambda key: (bool(key.label), list(series).index(key)))
    return tuple(_chart(key, shown[key], voice) for key in order if _stands_out(shown[key]))


def _stands_out(rows: Sequence[Reading]) -> bool:
    return not rows[0].key.label or any((row.z or 0.0) > CALM for row in rows)


def _chart(key: Key, rows: Sequence[Reading], voice: Voice) -> Chart:
    table = tuple(ChartRow(voice.day_name(row.day), _cells(key, row, voice), "") for row in rows)
    strengths = [None if row.z is None else round(row.z, 2) for row in rows]
    limits = [round(row.limit, 2) for row in rows]
    return Chart(
        key=key.measure.replace(":", "-"),
        title=measure_name(voice, key),
        kind="limit",
        columns=tuple(
            voice.gettext(name)
            for name in (
                _l("Before"),
                _l("Now"),
                _l("Texts or decisions"),
                _l("Strength"),
                _l("Limit"),
            )
        ),
        rows=table,
        series=(
            {"name": voice.gettext(_l("Strength")), "part": "", "values": strengths},
            {"name": voice.gettext(_l("Limit")), "part": "limit", "values": limits},
        ),
    )


def _cells(key: Key, row: Reading, voice: Voice) -> tuple[str, ...]:
    if row.z is None:
        return ("–", "–", "–", state_text(voice, row), strength_text(voice, row.limit))
    return (
        value_text(voice, key, row.before),
        value_text(voice, key, row.after),
        voice.number(row.n),
        strength_text(voice, row.z),
        strength_text(voice, row.limit),
    )
