"""What a page shows beside a case: similar decided ones, the author, records, guidelines."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.console.desk import another, bench_with_mara, decide, hold, id_of, take
from tests.console.person import Person
from tests.serving.conftest import MakeBench
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Label, Language
from triage_ml.policy import DEFAULT_FOLDER, load_policy
from triage_ml.workflow.insight import sketch_decided


def conclude(
    person: Person, item_id: str, text: str, queue: str = "std-en-safety", **more: str
) -> str:
    """Report, claim and decide a case, and let the worker at it; give its page."""
    decided = {name: more.pop(name) for name in ("action", "explanation") if name in more}
    person.bench.report(item_id=item_id, text=text, **more)
    page = take(person, queue)
    assert decide(person, page, **decided).status_code == 303
    person.bench.run(sketch_decided, person.bench.store)
    return page


def shown(person: Person, text: str = "You are a loser.", **more: str) -> str:
    person.bench.report(item_id="now", text=text, **more)
    return person.get(take(person)).text


def test_similar_case_is_shown_with_its_outcome(person: Person) -> None:
    """Likeness in words and per cent, labels, action, who, and the way there."""
    page = conclude(person, "before", "You are a loser.")
    part = section(shown(person), "similar-title")
    for words in ("nearly the same text", "100%", "Harassment S2", "Remove the content", "mara"):
        assert words in part
    assert f'href="{page.partition("?")[0]}"' in part


def test_unlike_cases_are_not_shown(person: Person) -> None:
    """The page says that there is none."""
    conclude(person, "before", "A loser always finds somebody else whom he can blame for it.")
    assert "No decided case with a similar text is known." in shown(person)


def test_text_of_a_similar_case_is_cut_and_harmless(person: Person) -> None:
    """Its first 120 characters, as text whatever they are."""
    text = f"<script>alert('loser')</script> \u202e{'loser ' * 40}"
    conclude(person, "before", text)
    part = section(shown(person, text), "similar-title")
    assert "<script>" not in part
    assert "&lt;script&gt;" in part
    assert "U+202E" in part
    assert 10 < part.count("loser") < 20


def test_text_of_a_similar_case_is_hidden_with_the_text(person: Person) -> None:
    """Where the case's own text waits behind a fold, so does that of the other one."""
    conclude(person, "before", "You are a loser.")
    page = shown(person, report_reason="graphic_violence")
    folds = re.findall(r"<details [^>]*data-veil>.*?</details>", page, re.DOTALL)
    assert sum("You are a loser." in fold for fold in folds) == page.count("You are a loser.") == 2


def test_restricted_cases_stay_unseen(person: Person) -> None:
    """Neither text, link nor number of a restricted case is told to who lacks the scope."""
    lead = another(person.bench, "lea", "restricted")
    hidden = conclude(
        lead, "before", "You are a loser, child.", "child-safety", report_reason="child_safety"
    )
    person = another(person.bench, "noor")
    page = shown(person, "You are a loser, child.")
    assert str(id_of(hidden)) not in page
    assert "No decided case with a similar text is known." in page
    assert re.findall(r"<dd>(\d+)</dd>", section(page, "author-title")) == ["0", "0", "0", "0"]


def test_who_has_the_scope_sees_restricted_cases(person: Person) -> None:
    """Behind a fold."""
    lead = another(person.bench, "lea", "restricted")
    text = "You are a loser, child."
    hidden = conclude(lead, "before", text, "child-safety", report_reason="child_safety")
    part = section(shown(lead, text), "similar-title")
    assert str(id_of(hidden)) in part
    assert "data-veil" in part


def test_author_s_past_is_shown(person: Person) -> None:
    """Numbers of the author's other cases, and the newest decisions with the way there."""
    first = conclude(person, "one", "You are a loser.")
    conclude(person, "two", "Such a loser, he said of himself.", item_author_ref="author-2")
    person.bench.report(item_id="three")
    part = section(shown(person), "author-title")
    assert re.findall(r"<dd>(\d+)</dd>", part) == ["1", "1", "0", "0"]
    assert f'href="{first.partition("?")[0]}"' in part
    assert "The newest decision" in part


def test_hint_says_how_right_such_hints_were(person: Person) -> None:
    """With the number behind it; a few decisions are too few to say."""
    for n in range(20):
        if n == 19:
            assert "Too few decisions" in person.get(hold(person)).text
        conclude(person, f"before-{n}", f"A loser, for the {n}th time.")
    person.bench.clock.advance(person.bench.service.settings.lease * 2)
    page = person.get(take(person)).text
    assert "100% of such hints were right in English in the last 30 days (n = 20, 95%" in page
    assert "interval 84% to 100%" in page


def test_hint_without_weight_has_no_record(person: Person) -> None:
    """Profanity is seldom ticked, whether it was there or not."""
    person.bench.scorer.keywords = {"damn": {Label.PROFANITY: 0.95}}
    assert "such hints were right" not in shown(person, "Well, damn.", report_reason="hate")


@pytest.mark.parametrize("language", SUPPORTED_LANGUAGES)
def test_guidelines_speak_the_reader_s_language(person: Person, language: Language) -> None:
    """Clause, scope and every point, under each label."""
    bench = person.bench
    account, password = bench.run(bench.store.find_account, "mara")
    assert password is not None
    bench.run(bench.store.save_account, replace(account, locale=language))
    page = person.get(hold(person)).text
    guideline = bench.service.policy.guidelines[language][Label.HARASSMENT]
    for words in (guideline.clause, guideline.scope, *guideline.applies, *guideline.excludes):
        assert words in page
    assert page.count('<details class="guideline"') == len(Label)
    assert "(English)" not in page


def test_policy_without_guidelines_says_its_language(make_bench: MakeBench, tmp_path: Path) -> None:
    """The labels' own English words stand in, and are marked where the reader speaks another."""
    shutil.copytree(DEFAULT_FOLDER, tmp_path / "ours")
    shutil.rmtree(tmp_path / "ours" / "guidelines")
    bench = bench_with_mara(make_bench, policy=load_policy(tmp_path / "ours"))
    account, _ = bench.run(bench.store.find_account, "mara")
    bench.run(bench.store.save_account, replace(account, locale=Language.DE))
    person = Person(bench)
    person.sign_in()
    page = person.get(hold(person)).text
    assert '<details class="guideline"' not in page
    assert re.search(r'lang="en">1\.2 Harassment: .*<span lang="de">\(Englisch\)', page)


def section(page: str, title: str) -> str:
    """Give the section of a page that a heading names."""
    found = re.search(rf'<section [^>]*aria-labelledby="{title}".*?</section>', page, re.DOTALL)
    assert found is not None, title
    return found[0]
