"""What two models say of one text, as the guard counts it."""

from dataclasses import replace

from tests.contract.steps import NOW, POLICY
from triage_ml.domain.guard import DOWN, SAME, UP, URGENT
from triage_ml.domain.pairs import compare_scores, compare_tiers
from triage_ml.domain.priority import Circumstances
from triage_ml.domain.report import Item, Report, ReportSummary, Source
from triage_ml.domain.scores import LabelScore, LabelScores
from triage_ml.domain.taxonomy import Label, Language, Support


def scores(**labels: float) -> LabelScores:
    found = {
        Label(name): LabelScore(p, max(p, 0.6), 4.0, Support.MEASURED) for name, p in labels.items()
    }
    return LabelScores(found, max(labels.values(), default=0.0), Language.DE, "m")


def test_each_label_has_one_outcome():
    """One that a model does not know raises no alarm by it."""
    watched, other = scores(hate=0.9, harassment=0.1, violent_threat=0.7), scores(hate=0.8)
    found = {measure: how for measure, _, how in compare_scores(watched, other, 0.5)}
    assert found == {"label:hate": SAME, "label:harassment": SAME, "label:violent_threat": UP}
    turned = {measure: how for measure, _, how in compare_scores(other, watched, 0.5)}
    assert turned["label:violent_threat"] == DOWN


def test_where_a_label_is_not_measured_its_upper_bound_counts():
    """As it does for the priority."""
    low = scores(hate=0.1)
    unmeasured = replace(low.labels[Label.HATE], support=Support.UNSUPPORTED)
    bound = replace(low, labels={Label.HATE: unmeasured})
    assert [how for _, _, how in compare_scores(bound, low, 0.5)] == [UP]


def test_a_tier_is_that_of_the_scores_alone():
    """A reported threat puts the case high by the model that sees it, too."""
    threat = Report(reporter_ref="r", source=Source.USER, reason=Label.VIOLENT_THREAT)
    summary = ReportSummary().add(threat, 1.0)
    facts = Circumstances(Item("i", "a text", "post", "a"), summary, Language.DE, "first")
    grave, nothing = scores(violent_threat=0.99), scores(violent_threat=0.01)
    assert compare_tiers(POLICY, facts, grave, nothing, NOW) == (URGENT, "de", UP)
    assert compare_tiers(POLICY, facts, nothing, grave, NOW) == (URGENT, "de", DOWN)
    assert compare_tiers(POLICY, facts, grave, grave, NOW) == (URGENT, "de", SAME)
