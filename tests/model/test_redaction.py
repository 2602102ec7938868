"""Secrets out of text."""

from collections.abc import Callable

import pytest

from responder.model.redaction import MARK, redact, redact_json, redact_url
from responder.model.verdict import Json
from responder.plugins.manifests import without_secrets

SECRETS = (
    "password=hunter2hunter2",
    "token: hunter2hunter2",
    '{"api_key": "hunter2hunter2"}',
    "Authorization: Bearer hunter2hunter2",
    "sent bearer hunter2hunter2",
    "postgres://app:hunter2hunter2@db/app",
    "connect --db-password hunter2hunter2 --verbose",
    'tool --pass "hunter2 hunter2"',
    '["--smtp-pass", "hunter2hunter2"]',
    "https://s.example/x?se=1&sig=hunter2hunter2",
    r'{"m": "{\"password\":\"hunter2\",\"user\":\"ann\"}"}',
    r'{"m": "{\"password\": \"a\\\"b hunter2\"}"}',
    r"{\\\"token\\\": \\\"hunter2 hunter2\\\"}",
    r"{\"args\": [\"--db-password\", \"hunter2\"]}",
    r'"password": "ab\"c hunter2", "user": "ann"',
    r"'password': 'ab\'c hunter2'",
    r"password='a hunter2\'",
    "postgres://ann:a@hunter2@db/app",
    "postgres://ann:a@b@hunter2@db/app",
    "postgres://ann:a/hunter2@db/app",
    "CONFIG SET requirepass hunter2",
    "redis-server --requirepass hunter2",
    '["redis-server", "--requirepass", "hunter2"]',
    "masterauth hunter2",
    "requirepass: hunter2",
    "requirepass\nhunter2",
    '1) "requirepass"\n2) "hunter2"',
    "CREATE USER ann IDENTIFIED BY 'hunter2'",
    "CREATE USER ann IDENTIFIED WITH mysql_native_password BY 'hunter2'",
    "ALTER USER ann WITH PASSWORD 'it''s hunter2'",
    "set password = password('hunter2')",
    "Cookie: a=b; session=hunter2",
    "Set-Cookie: a=b; Path=/; session=hunter2",
    "curl -H 'Cookie: a=b; session=hunter2' x",
    "redis-cli -h db -a hunter2 info",
    "mysql -uann -phunter2 shop",
    "mysqldump --single-transaction -p'hunter2 hunter2' shop",
    "curl -u ann:hunter2 http://a.example/",
    "curl -su 'ann:hunter2' http://a.example/",
    "curl 'http://a.example/?b=1&c=2' --user ann:hunter2",
    "sshpass -p hunter2 ssh a",
    "hvs.CAESIhunter2hunter2hunter2",
    "npm_hunter2hunter2hunter2hunter2hunter2ab",
    "sk_live_hunter2hunter2hunter2",
)
NAMES = (
    "DB_PASSWORD",
    "DB_PASS",
    "SMTP_PASS",
    "PASS",
    "pass",
    "DB_PASS_PROD",
    "db.pass",
    "dbPass",
    "dbPassOld",
    "PGPASSWORD",
    "MYSQL_PWD",
    "DB_PW",
    "PASSPHRASE",
    "SSH_KEY_PASSPHRASE",
    "ENCRYPTION_KEY",
    "encryptionKey",
    "dataEncryptionKey",
    "SIGNING_KEY",
    "JWT_SIGNING_KEYS",
    "MASTER_KEY",
    "SESSION_KEY",
    "JWT_KEY",
    "APP_KEY",
    "ACCOUNT_KEY",
    "AccountKey",
    "SSH_KEY",
    "STRIPE_KEY",
    "API_KEY",
    "x-api-key",
    "AWS_SECRET_ACCESS_KEY",
    "CLIENT_SECRET",
    "GITHUB_TOKEN",
    "SENTRY_DSN",
    "REDIS_AUTH",
    "BASIC_AUTH",
    "COOKIE",
    "Set-Cookie",
    "X-Amz-Signature",
    "AZURE_STORAGE_CONNECTION_STRING",
    "HASH_SALT",
    "CREDENTIALS",
)
HARMLESS = (
    "KEYSPACE",
    "ENCRYPTION_KEYSPACE",
    "PASSIVE",
    "PASSIVE_MODE",
    "BYPASS",
    "BYPASS_CACHE",
    "COMPASS",
    "COMPASS_URL",
    "PASSENGERS",
    "PASSED",
    "pass_rate",
    "bypassCache",
    "KEY",
    "PARTITION_KEY",
    "PRIMARY_KEY",
    "CACHE_KEY",
    "ROUTING_KEY",
    "key",
    "MONKEY",
    "AUTHOR",
    "AUTH_URL",
    "auth",
    "OAUTH",
    "HTTP_METHOD",
    "pwm",
    "SALTED",
    "cookies_per_page",
    "MODE",
    "DESIGN_KEYBOARD",
    "SIGNAL",
)


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_goes_and_a_second_look_changes_nothing(text: str) -> None:
    once = redact(text)
    assert MARK in once
    assert "hunter2" not in once
    assert redact(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "user ann@a.example at http://b.example:80/x@y",
        "http://[::1]:80/x@y",
        "redis-cli -h db info; ls -a x",
        "mysql -p shop",
        "mysql --port 3306",
        "curl -v http://b.example:80/",
        "CONFIG GET requirepass",
        "the npm_config and a task_live_long",
        "identified by the pod's name",
        "PASS: 17 tests",
        "pass=3 fail=0",
        "max_tokens=4096",
        "tokens: 17",
        '{"total_tokens": 123456, "token_valid": true}',
        "auth_keys=3",
        "signature: invalid",
        '"signature": "expired"',
        "secretName: api-tls",
        'secretRef: "api-tls"',
        '{"secretName":"api-tls","key_name":"a"}',
        "password=\nfoo: 1",
        "token:\n  foo: bar",
        "Authorization:\nfoo bar",
    ],
)
def test_what_stands_beside_such_words_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "DB_PASS=123456",
        "--pass=123456",
        "pass=1234567",
        'pass: "123456"',
        "token: 123456",
        "password=17",
        "password: true",
        "password=secretName",
        "password=token-name:x",
        "token: invalid",
        "signature: validated",
        "tokens: 17a",
        "secretName=a=b",
        "secretName: {password=x}",
    ],
)
def test_a_value_that_may_be_a_secret_goes_though_it_looks_harmless(text: str) -> None:
    assert MARK in redact(text)


def test_what_an_object_is_called_that_holds_a_secret_stays() -> None:
    named: Json = {"secretName": "api-tls", "secret_key_ref": "api"}
    assert redact_json(named) == named
    assert redact_json({"secretName": "password=hunter2"}) == {"secretName": f"password={MARK}"}


def test_what_follows_a_secret_in_quotes_stays() -> None:
    assert redact(r'"password": "a\"b", "user": "ann"') == f'"password": {MARK}, "user": "ann"'
    assert redact(r"{\"password\":\"a\",\"user\":\"ann\"}") == rf"{{\"password\":{MARK},\"user\":\"ann\"}}"
    assert redact("postgres://ann:a@b@db/app?mail=x@y") == f"postgres://ann:{MARK}@db/app?mail=x@y"


FORMS = ("{}=hunter2x", "{}: hunter2x", '"{}": "hunter2x"', "export {}='hunter2x'", "run --{}=hunter2x")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_called_like_a_secret_goes_from_text_and_from_values(name: str) -> None:
    assert [form for form in FORMS if "hunter2" in redact(form.format(name))] == []
    assert redact_json({name: "hunter2"}) == {name: MARK}
    assert without_secrets({"env": [{"name": name, "value": "hunter2"}]}) == {"env": [{"name": name, "value": MARK}]}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_sounds_like_a_secret_stays(name: str) -> None:
    assert [form for form in FORMS if "hunter2" not in redact(form.format(name))] == []
    assert redact_json({name: "plain"}) == {name: "plain"}
    assert without_secrets({"env": [{"name": name, "value": "plain"}]}) == {"env": [{"name": name, "value": "plain"}]}


@pytest.mark.parametrize("look", [redact_json, without_secrets])
def test_the_word_behind_a_flag_that_means_a_secret_goes(look: Callable[[Json], Json]) -> None:
    words = ["run", "--db-password", "hunter2", "--smtp-pass", "hunter2", "--verbose", "on", "--pass", "--next", "x"]
    wanted = ["run", "--db-password", MARK, "--smtp-pass", MARK, "--verbose", "on", "--pass", "--next", "x"]
    assert look({"args": words}) == {"args": wanted}


def test_a_value_is_a_secret_by_its_name() -> None:
    assert redact_json({"db_password": "x", "user": "y"}) == {"db_password": MARK, "user": "y"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/x?b=c#d", "https://a.example/x?b=c#d"),
        ("https://a.example/x?q=%C3%A4%20%25", "https://a.example/x?q=%C3%A4%20%25"),
        ("https://a.example/#/new?filter=%7Bnote%3D%22password%3Dhunter2%22%7D", "https://a.example/#/new"),
        ("https://a.example/password%3Dhunter2/x?y=1", "https://a.example"),
        ("https://a.example/x?token=hunter2", "https://a.example/x?token=[redacted]"),
        ("https://ann%3Ahunter2@a.example/", ""),
    ],
)
def test_an_address_tells_no_secret_that_is_percent_encoded(url: str, shown: str) -> None:
    assert redact_url(url) == shown
