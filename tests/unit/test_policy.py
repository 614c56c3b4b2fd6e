"""Reading a policy: the shipped one holds together, and a wrong one says what is wrong."""

import re
import shutil
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.unit.builders import shipped_policy
from triage_ml.domain.policy import DOCUMENTS, parse_policy
from triage_ml.domain.report import Source
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Label, Severity, Tier
from triage_ml.errors import PolicyInvalid
from triage_ml.policy import DEFAULT_FOLDER, _read, load_policy

Documents = dict[str, dict[str, Any]]


def shipped_documents() -> Documents:
    return {name: dict(_read(DEFAULT_FOLDER / f"{name}.toml")) for name in DOCUMENTS}


def test_the_shipped_policy_has_every_label_and_every_queue_of_the_model() -> None:
    """Labels are those of the taxonomy; queues those of the policy model, without sweeps."""
    policy = shipped_policy()
    standard = {f"std-{language}-{kind}" for language in SUPPORTED_LANGUAGES for kind in KINDS}
    assert set(policy.labels) == set(Label)
    assert set(policy.queues) == OTHER_QUEUES | standard


KINDS = ("safety", "integrity")
OTHER_QUEUES = {
    "imminent",
    "child-safety",
    "legal",
    "escalation",
    "trusted-flagger",
    "lang-unknown",
    "appeal",
    "qa",
    "policy-gap",
}
HOURS = {
    "imminent": 0.25,
    "child-safety": 0.5,
    "escalation": 4,
    "trusted-flagger": 4,
    "std-tr-safety": 24,
    "std-ko-integrity": 48,
    "lang-unknown": 24,
    "appeal": 72,
    "qa": 168,
    "policy-gap": 168,
}


@pytest.mark.parametrize(("queue", "hours"), HOURS.items())
def test_the_shipped_clocks_are_those_of_the_model(queue: str, hours: float) -> None:
    """Each queue has the clock that the policy model states."""
    assert shipped_policy().queues[queue].hours == hours


def test_safety_queues_give_four_hours_to_serious_cases() -> None:
    """Severity S3 has 4 h and S2 24 h in every language."""
    for language in SUPPORTED_LANGUAGES:
        limits = shipped_policy().queues[f"std-{language}-safety"].hours_by_severity
        assert limits == {Severity.S2: 24, Severity.S3: 4}


def test_only_child_safety_is_restricted() -> None:
    """The restricted queue is the one for child safety, and no other."""
    assert [q.name for q in shipped_policy().queues.values() if q.restricted] == ["child-safety"]


def test_the_shipped_constants_are_those_of_the_model() -> None:
    """Weights, cap, bounds, window, shares and margin stand as the policy model says."""
    policy = shipped_policy()
    row = policy.priority
    assert row.severity_weights == (0, 1, 3, 9, 27)
    assert (row.reach_cap, row.reporter_bounds, row.reporter_window) == (4, (0.3, 2), 100)
    assert (row.random_share, row.blind_share, policy.safety_margin) == (0.02, 0.05, 0.25)
    assert policy.appeal_window.days >= 183
    assert set(row.reason_prior) == set(row.reporter_prior) == set(Source)


def test_every_legal_clock_carries_a_source_to_confirm() -> None:
    """No statutory limit ships without saying where it comes from."""
    for clock in shipped_policy().clocks:
        assert "confirm with counsel" in clock.source


def test_only_facts_lead_to_the_first_two_tiers_without_a_report() -> None:
    """A score alone asks for T2 at most; for T0 a report has to name the same label."""
    for rule in shipped_policy().score_tiers:
        assert rule.tier is Tier.T2 or "in reasons" in rule.when.expression


def test_a_copied_folder_is_read_as_the_shipped_one(tmp_path: Path) -> None:
    """A deployment starts from a copy of the shipped folder."""
    shutil.copytree(DEFAULT_FOLDER, tmp_path / "ours")
    assert load_policy(tmp_path / "ours") == shipped_policy()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    """A folder without one of the files is refused with that file's name."""
    shutil.copytree(DEFAULT_FOLDER, tmp_path / "ours")
    (tmp_path / "ours" / f"{name}.toml").unlink()
    with pytest.raises(PolicyInvalid) as caught:
        load_policy(tmp_path / "ours")
    assert (caught.value.file, caught.value.field) == (f"{name}.toml", "-")


@pytest.mark.parametrize("content", [b"version = ", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_named(content: bytes, tmp_path: Path) -> None:
    """Broken TOML and broken UTF-8 are both a PolicyInvalid with the file's name."""
    shutil.copytree(DEFAULT_FOLDER, tmp_path / "ours")
    (tmp_path / "ours" / "routes.toml").write_bytes(content)
    with pytest.raises(PolicyInvalid, match="is not valid TOML") as caught:
        load_policy(tmp_path / "ours")
    assert caught.value.file == "routes.toml"


def test_a_document_that_is_not_handed_over_is_named() -> None:
    """parse_policy wants all documents."""
    documents = shipped_documents()
    del documents["clocks"]
    with pytest.raises(PolicyInvalid, match=r"clocks\.toml, -: is missing"):
        parse_policy(documents)


NAN, MISSING = float("nan"), object()
WRONG = [
    ("labels", "rudeness", {}, "is not a label of the taxonomy"),
    ("labels", "hate", MISSING, "must be a dict"),
    ("labels", "hate.typical_severity", "S9", "S9 is not one of S0 to S4"),
    ("labels", "hate.handling_minutes", "two", "must be a number"),
    ("labels", "hate.handling_minutes", True, "must be a number"),
    ("labels", "hate.handling_minutes", 0, "must lie within 0.1 and 600"),
    ("labels", "hate.is_violation", "no", "must be a bool"),
    ("labels", "hate.severity", "S2", "is not a known key"),
    ("policy", "version", MISSING, "must be a str"),
    ("policy", "version", "", "must not be empty"),
    ("policy", "margin", 0.3, "is not a known key"),
    ("policy", "safety_margin", NAN, "must lie within 0 and 0.9"),
    ("policy", "appeal_window_days", 0, "must lie within 1 and 3650"),
    ("policy", "default_queue", "nowhere", "no queue nowhere"),
    ("policy", "appeal_queue", "nowhere", "no queue nowhere"),
    ("policy", "escalation_queue", "nowhere", "no queue nowhere"),
    ("policy", "policy_gap_queue", "nowhere", "no queue nowhere"),
    ("policy", "priority", MISSING, "must be a dict"),
    ("policy", "priority.severity_weights", [0, 1, 3], "must be 5 numbers"),
    ("policy", "priority.severity_weights", [0, 3, 1, 9, 27], "must rise"),
    ("policy", "priority.severity_weights[0]", -1, "must lie within"),
    ("policy", "priority.severity_weights[1]", "a", "must be a number"),
    ("policy", "priority.reporter_bounds", [0.3], "must be 2 numbers"),
    ("policy", "priority.reporter_bounds", [2, 0.3], "must rise"),
    ("policy", "priority.reporter_window", 1.5, "must be a whole number"),
    ("policy", "priority.random_share", 0.9, "must lie within 0 and 0.5"),
    ("policy", "priority.blind_share", 1.1, "must lie within 0 and 1"),
    ("policy", "priority.blind_share", MISSING, "must be a number"),
    ("policy", "priority.urgency", 1, "is not a known key"),
    ("policy", "priority.reporter_prior.user", [0, 6], "must be two numbers over 0"),
    ("policy", "priority.reporter_prior.legal", MISSING, "must be a list"),
    ("policy", "priority.reason_prior.robot", 0.5, "is not a known key"),
    ("policy", "priority.views_per_hour_by_surface.post", "many", "must be a number"),
    ("policy", "quality", MISSING, "must be a dict"),
    ("policy", "quality.double_share", 1.1, "must lie within 0 and 1"),
    ("policy", "quality.golden_share", 0.6, "must lie within 0 and 0.5"),
    ("policy", "quality.golden", 0.1, "is not a known key"),
    ("queues", "qa.hours", MISSING, "must be a number"),
    ("queues", "qa.restricted", "yes", "must be a bool"),
    ("queues", "qa.restrictd", True, "is not a known key"),
    ("queues", "qa.hours_by_severity.S7", 1, "S7 is not one of S0 to S4"),
    ("queues", "qa.hours_by_severity.S3", -1, "must lie within"),
    ("queues", "qa.hours_by_severity", 4, "must be a dict"),
    ("tiers", "facts", {}, "must be a list"),
    ("tiers", "facts[0]", "T0", "must be a table"),
    ("tiers", "facts[0].tier", 5, "must lie within 0 and 4"),
    ("tiers", "facts[0].tier", 0.5, "must be a whole number"),
    ("tiers", "facts[0].why", "because", "is not a known key"),
    ("tiers", "facts[0].when", "p.hate > 0.5", "unknown fact p;"),
    ("tiers", "facts[0].when", "language == 'en'", "unknown fact language"),
    ("tiers", "scores[0].when", "tier == 0", "unknown fact tier"),
    ("tiers", "low.tier", 4, "is not a known key"),
    ("tiers", "high", {}, "is not a known key"),
    ("routes", "route[2].queue", "nowhere", "no queue nowhere"),
    ("routes", "route[2].when", 7, "must be a CEL expression"),
    ("routes", "route[2].when", " ", "must be a CEL expression"),
    ("routes", "route[2].when", "p.hate >", "Failed to parse"),
    ("routes", "route[2].when", "weather == 'bad'", "unknown fact weather"),
    ("routes", "route[2].when", "p.rudeness > 0.5", "unknown label rudeness"),
    ("routes", "route[2].when", "severity['rudeness'] > 1.0", "unknown label rudeness"),
    ("routes", "route[2].when", "'rudeness' in reasons", "unknown word rudeness"),
    ("routes", "route[2].when", 'sources.exists(s, s in ["usr"])', "unknown word usr"),
    ("routes", "route[2].when", "language == 'fr'", "unknown word fr"),
    ("routes", "route[2].when", "n_reports + 1", "must answer true or false, not 2"),
    ("routes", "route[2].when", "scored ? true : 1", "must answer true or false, not 1"),
    ("routes", "route[2].when", "surface > 3", "does not evaluate"),
    ("routes", "route[2].when", "1 / (n_reports - 1) == 0", "does not evaluate"),
    ("routes", "route[2].when", "jurisdictions[0] == 'DE'", "does not evaluate"),
    ("routes", "route[2].when", "viral(reasons)", "does not evaluate"),
    ("routes", "route[2].reason", MISSING, "must be a str"),
    ("clocks", "clock[1].source", MISSING, "must be a str"),
    ("clocks", "clock[1].hours", 0, "must lie within"),
]


def changed(name: str, field: str, value: object) -> Documents:
    """Give the shipped documents with one value replaced, added or (MISSING) taken away."""
    documents = deepcopy(shipped_documents())
    *path, last = re.findall(r"[\w-]+", field)
    place: Any = documents[name]
    for key in path:
        place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
    if value is MISSING:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return documents


@pytest.mark.parametrize(("name", "field", "value", "reason"), WRONG)
def test_a_wrong_policy_names_file_and_field(
    name: str, field: str, value: object, reason: str
) -> None:
    """Everything wrong in a policy is found when it is loaded, and said where."""
    with pytest.raises(PolicyInvalid) as caught:
        parse_policy(changed(name, field, value))
    assert (caught.value.file, caught.value.field) == (f"{name}.toml", field)
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    "expression",
    [
        "reasons.exists(r, r == 'hate')",
        "reasons.filter(x, x != 'other').size() > 1",
        "p['hate'] >= 0.5 && severity.hate >= 2.0",
        "jurisdictions.size() > 0 && jurisdictions[0] == 'DE'",
        "tier == 2 || degraded",
        "surface == 'livestream' || stage == 'appeal'",
    ],
)
def test_conditions_may_bind_names_and_guard_their_indexes(expression: str) -> None:
    """Macros, both ways to name a label, and guarded access are all accepted."""
    documents = changed("routes", "route[2].when", expression)
    assert parse_policy(documents).routes[2].when.expression == expression
