"""The shipped alerts ask only for metrics and labels that the service has.

A parse of the YAML and of names; whether Prometheus takes the expressions only promtool can say.
"""

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from serving.metrics import Metrics

ROOT = Path(__file__).parents[2]
RULES = ROOT / "docs/prometheus/triage-rules.yml"
GROUPS = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
ALERTS = [rule for group in GROUPS for rule in group["rules"]]
ADDED = {"instance", "job"}
"""Labels that Prometheus itself adds."""


def known() -> dict[str, set[str]]:
    """Give the labels of every series by the name it has in expressions."""
    found: dict[str, set[str]] = {}
    for metric in vars(Metrics()).values():
        if isinstance(metric, MetricWrapperBase):
            names = set(metric._labelnames) | ADDED
            base = metric._name
            for ending in ("", "_total", "_count", "_sum", "_bucket"):
                found[base + ending] = names | ({"le"} if ending == "_bucket" else set())
    return found


def labels_of(expression: str) -> list[tuple[str, set[str]]]:
    """Give each series of an expression with the labels it is asked for."""
    return [
        (name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", asked or "")))
        for name, asked in re.findall(r"\b(triage_\w+)\s*(?:\{([^}]*)\})?", expression)
    ]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_what_there_is(rule):
    metrics = known()
    asked = labels_of(rule["expr"])
    assert asked, rule["expr"]
    for name, labels in asked:
        assert name in metrics, name
        assert labels <= metrics[name], (name, labels)
    everything = set().union(*(metrics[name] for name, _ in asked))
    for grouped in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", rule["expr"]):
        assert {label.strip() for label in grouped.split(",")} <= everything


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_grave_it_is_and_what_to_do(rule):
    """The summary names only labels that its series have; the runbook is a section of a page."""
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"\d+[mh]", rule["for"])
    assert rule["labels"]["severity"] in {"critical", "warning"}
    page, _, section = rule["annotations"]["runbook"].partition("#")
    assert section == rule["alert"].lower()
    assert f"### {rule['alert']}\n" in (ROOT / page).read_text(encoding="utf-8")
    labels = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    metrics = known()
    assert labels <= set().union(*(metrics[name] for name, _ in labels_of(rule["expr"])))


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_brackets_of_an_expression_close(rule):
    for opened, closed in ("()", "[]", "{}"):
        assert rule["expr"].count(opened) == rule["expr"].count(closed)


def test_names_of_alerts_are_their_own():
    names = [rule["alert"] for rule in ALERTS]
    assert len(set(names)) == len(names)
