"""Examples written for the project, for labels no public corpus decides.

They are synthetic: they train and calibrate, a cell that rests on them is at best `functional`,
and the card says so.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training.corpora.sources import OUTPUTS, Row, Source
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, VIOLATION
from triage_ml.errors import InvalidInput

WRITTEN_FOLDER = Path(__file__).parents[1] / "written"


def read_written(path: Path) -> Iterator[Row]:
    """Yield the examples of a file. Their writer decides every output not listed as `unsure`.

    Raises: InvalidInput, naming the line and what is wrong with it.
    """
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.strip():
            yield _row(f"{path.name}: line {number}", line)


def _row(where: str, line: str) -> Row:
    try:
        entry: dict[str, Any] = json.loads(line)
        present, severity = entry["labels"], entry.get("severity", {})
        unsure = set(entry.get("unsure", ()))
        text, family = str(entry["text"]), str(entry["family"])
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(where, f"not an example: {error}") from error
    unknown = ({*present, *severity} | unsure) - set(OUTPUTS)
    if unknown:
        raise InvalidInput(where, f"no output {min(unknown)}")
    if set(present) - {"profanity"} and VIOLATION not in {*present, *unsure}:
        raise InvalidInput(where, "a violation without `violation`")
    labels = {output: int(output in present) for output in OUTPUTS if output not in unsure}
    return Row(text, labels, severity=severity, group=family)


def _source(language: str) -> Source:
    return Source(
        f"written_{language}",
        language,
        "open",
        "Apache-2.0",
        "Written for triage-ml; synthetic",
        lambda _: read_written(WRITTEN_FOLDER / f"{language}.jsonl"),
        written=True,
    )


WRITTEN = tuple(_source(language.value) for language in SUPPORTED_LANGUAGES)
