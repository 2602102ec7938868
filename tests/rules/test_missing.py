"""Names that rules use and the settings lack are warned of, where they are written."""

from pathlib import Path

import pytest

from responder.rules.loading import check
from responder.rules.missing import missing
from responder.settings.names import names
from responder.settings.process import Settings
from responder.wiring import plugins

RULES = """
rules:
  - {name: west, match: ['cluster="west"'], playbook: look}
  - {name: east, match: ['cluster="east"'], playbook: look}
playbooks:
  look:
    diagnose:
      db: {postgres.activity: {source: main}}
      cache: {redis.info: {source: cashe}}
      api: {http.check: {url: "https://api.example.com", credentials: api}}
      free: {http.check: {url: "https://example.com"}}
    actions:
      flush: {redis.flush_db: {source: gone}}
teams:
  default:
    receivers:
      incidents: {slack: {channel: "#incidents"}}
      on-call: {pagerduty: {service: platform}}
      quiet: {slack_webhook: {to: quiet}}
      desk: {webhook: {to: desk}}
      leads: {email: {to: [leads@example.com]}}
"""
WHOLE = {
    "clusters": {
        "west": {"datasources": {"redis": {"cashe": {"url": "redis://a"}, "gone": {"url": "redis://a"}}}},
        "east": {},
    },
    "datasources": {"postgres": {"main": {"url": "postgresql://a"}}},
    "credentials": {"api": {"url": "https://api.example.com"}},
    "slack": {"bot_token": "xoxb-1", "webhooks": {"quiet": {"url": "https://hooks.slack.com/services/a"}}},
    "pagerduty": {"services": {"platform": {"routing_key": "k"}}},
    "outgoing": {"desk": {"url": "https://desk", "signing_key": "k"}},
    "mail": {"host": "mail"},
}


@pytest.fixture
def found(tmp_path: Path) -> "Found":
    file = tmp_path / "own.yaml"
    file.write_text(RULES)
    return Found(file)


class Found:
    """What is warned of with the given settings."""

    def __init__(self, file: Path) -> None:
        report = check([file], plugins())
        assert [str(problem) for problem in report.errors] == []
        self.ruleset = report.ruleset
        self.file = file

    def __call__(self, **settings: object) -> list[str]:
        known = Settings.model_validate(settings)
        problems = missing(self.ruleset, names(known), known.cluster_label)
        return [f"{p.origin.line}: {p.message}; {p.hint}" for p in problems]


def test_with_all_of_it_there_is_nothing_to_warn_of(found: Found) -> None:
    assert found(**WHOLE) == []


def test_each_missing_name_is_warned_of_at_its_line(found: Found) -> None:
    redis = {"cache": {"url": "redis://a"}}
    said = found(clusters={"west": {"datasources": {"redis": redis}}, "north": {}})
    assert [line.replace(", which is not in the settings", "") for line in said] == [
        "4: rule own/east names clusters.east; did you mean `west`? Valid: north, west",
        "8: step db of own/look names datasources.postgres.main; there are none",
        "9: step cache of own/look names datasources.redis.cashe; did you mean `cache`? Valid: cache",
        "10: step api of own/look names credentials.api; there are none",
        "13: step flush of own/look names datasources.redis.gone; valid: cache",
        "17: receiver default/incidents needs slack.bot_token; ",
        "18: receiver default/on-call names pagerduty.services.platform; there are none",
        "19: receiver default/quiet names slack.webhooks.quiet; there are none",
        "20: receiver default/desk names outgoing.desk; there are none",
        "21: receiver default/leads needs mail.host; ",
    ]


def test_with_one_cluster_its_label_is_not_looked_at(found: Found) -> None:
    assert not any("clusters" in line for line in found(clusters={"north": {}}))
