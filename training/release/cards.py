"""Cards of registered versions, written again from what their runs kept."""

from pathlib import Path

from training.release.card import render_card
from training.release.publish import facts_of
from training.release.records import CARD_FACTS, Version
from training.release.registry import Registry
from triage_ml.errors import InvalidInput


def card_of(registry: Registry, version: Version) -> str:
    """Write a version's card with the words of today.

    Of a version that was adopted, or registered before the facts of cards were kept, the card it
    came with is given. Raises: InvalidInput, RegistryFailed, ArtifactInvalid.
    """
    stored = registry.reports(version).get(CARD_FACTS)
    if stored is not None:
        return render_card(facts_of(stored))
    with registry.fetched(version) as artifact:
        return artifact.card()


def write_card(folder: Path, model_version: str, text: str) -> Path:
    """Write a card as `<model version>.md`, whole or not at all. Raises: InvalidInput."""
    path = folder / f"{model_version}.md"
    draft = path.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, "utf-8")
        draft.replace(path)
    except OSError as error:
        raise InvalidInput(str(path), error.strerror or str(error)) from error
    return path
