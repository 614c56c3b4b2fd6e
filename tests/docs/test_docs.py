"""What the documentation promises."""

import importlib.util
import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from serving.settings import Duration

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("docs/**/*.md"), ROOT / "README.md", *ROOT.glob("model_cards/*.md")])


def reference():
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs/build_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_what_the_code_says():
    """Settings, errors, metrics, commands and policy are all there, as they are."""
    assert reference().stale() == [], "run: python docs/build_reference.py"


@pytest.mark.parametrize("text", ["30d", "8h", "10m", "90s", "500ms", "0s"])
def test_a_duration_is_written_as_it_is_set(text):
    """What the page shows as a default can be set as it stands."""
    duration = TypeAdapter(Duration).validate_python(text)
    assert reference().shown(duration) == text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    """Every relative link of a page names a file or folder that exists."""
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("docs/decisions/*.md")), ids=lambda page: page.stem
)
def test_decisions_are_short(page):
    """A decision record has 150 to 400 words."""
    assert 150 <= len(page.read_text(encoding="utf-8").split()) <= 420


def test_every_environment_variable_in_the_docs_is_a_setting():
    """A page never names a setting that the program would ignore."""
    from serving.settings import Settings

    known = {f"TRIAGE_{name.upper()}" for name in Settings.model_fields}
    known |= {"TRIAGE_DATA", "TRIAGE_TEST_DATABASE_URL"}
    known |= {"TRIAGE_WORKSPACE", "TRIAGE_EXPERIMENT"}  # of the notebooks
    for page in PAGES:
        named = set(re.findall(r"\bTRIAGE_[A-Z_]+", page.read_text(encoding="utf-8")))
        assert named <= known, page


def test_the_notice_names_every_corpus_the_model_learned_from():
    """No source of the shipped model is left out of NOTICE."""
    from training.corpora.readers import SOURCES

    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    learned = [s for s in SOURCES if s.licence_tier != "non-commercial" and not s.written]
    assert [source.name for source in learned if f"{source.name}:" not in notice] == []
