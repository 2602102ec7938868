"""The table of settings says all that a person must know to set one."""

import re
from pathlib import Path

import pytest

from responder.settings.process import Settings
from responder.settings.table import BEGIN, END, Row, markdown, rows

README = Path(__file__).parents[2] / "README.md"

CONTRACT = [
    "listen",
    "database_url",
    "redis_url",
    "rules",
    "webhook.bearer_tokens",
    "webhook.basic_users",
    "webhook.allow_anonymous",
    "webhook.max_body",
    "tls.certificate",
    "tls.key",
    "tls.client_ca",
    "prometheus.url",
    "kubernetes.kubeconfig",
    "kubernetes.context",
    "kubernetes.in_cluster",
    "datasources.postgres.NAME.url",
    "datasources.redis.NAME.url",
    "clusters.NAME.prometheus.*",
    "clusters.NAME.kubernetes.*",
    "clusters.NAME.datasources.*",
    "alertmanagers[].*",
    "alertmanagers[].cluster",
    "alertmanagers[].receiver",
    "prometheus.bearer_token",
    "prometheus.username",
    "prometheus.password",
    "prometheus.headers",
    "prometheus.tls.ca",
    "slack.bot_token",
    "slack.base_url",
    "automation",
]


@pytest.mark.parametrize("name", CONTRACT)
def test_every_name_of_the_contract_is_there(name: str) -> None:
    assert name in {row.name for row in rows()}


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_every_setting_says_what_it_is(row: Row) -> None:
    assert re.match(r"[A-Z`x]|postgresql|redis|sqlite|http|group_", row.about)
    assert len(row.about) > 10


def test_every_group_of_the_settings_is_in_the_table() -> None:
    assert {re.split(r"[.\[]", row.name)[0] for row in rows()} == set(Settings.model_fields)


def test_a_variable_of_the_table_sets_what_it_says() -> None:
    variables = {row.name: row.variable for row in rows()}
    environ = {
        variables["webhook.max_body"]: "1000",
        variables["datasources.postgres.NAME.url"].replace("NAME", "MAIN"): "postgresql://db/main",
    }
    settings = Settings.load(None, environ)
    assert settings.webhook.max_body == 1000
    assert list(settings.datasources.postgres) == ["main"]


def test_the_table_in_the_readme_is_this_one() -> None:
    text = README.read_text(encoding="utf-8")
    assert text[text.index(BEGIN) : text.index(END) + len(END)] == markdown()
