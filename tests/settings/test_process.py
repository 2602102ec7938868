"""Settings are read from the file and the environment, and a wrong one is named with its cure."""

from pathlib import Path

import pytest

from responder.errors import ConfigError
from responder.settings.process import Settings


def settings(tmp_path: Path, text: str = "", **environ: str) -> Settings:
    path = tmp_path / "responder.yaml"
    path.write_text(text)
    return Settings.load(path, environ)


def problems(tmp_path: Path, text: str = "", **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, text, **environ)
    return str(caught.value)


def test_without_a_file_or_variables_there_are_defaults() -> None:
    found = Settings.load(None, {})
    assert found.address == ("127.0.0.1", 8080)
    assert found.database_url.get_secret_value() == "sqlite:///responder.db"
    assert found.automation.mode == "suggest"
    assert found.webhook.max_body == 16 * 1024 * 1024
    assert list(found.every_cluster) == ["default"]


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    found = settings(tmp_path, "slack: {base_url: http://file/}", RESPONDER_SLACK__BASE_URL="http://environment/")
    assert found.slack.base_url == "http://environment/"


def test_a_variable_replaces_one_value_of_a_section_and_leaves_the_others(tmp_path: Path) -> None:
    text = "prometheus: {url: http://prometheus, username: reader, password: hidden}"
    found = settings(tmp_path, text, RESPONDER_PROMETHEUS__USERNAME="writer")
    assert found.prometheus is not None
    assert (found.prometheus.url, found.prometheus.username) == ("http://prometheus", "writer")


@pytest.mark.parametrize(
    ("file", "variable"),
    [
        ("bot_token_file: /does/not/exist", "RESPONDER_SLACK__BOT_TOKEN"),
        ("bot_token: old", "RESPONDER_SLACK__BOT_TOKEN_FILE"),
    ],
)
def test_a_secret_in_a_variable_wins_over_the_other_way_to_give_it_in_the_file(
    tmp_path: Path, file: str, variable: str
) -> None:
    (tmp_path / "token").write_text("new\n")
    value = str(tmp_path / "token") if variable.endswith("_FILE") else "new"
    found = settings(tmp_path, f"slack: {{{file}}}", **{variable: value})
    assert found.slack.bot_token is not None
    assert found.slack.bot_token.get_secret_value() == "new"


def test_a_list_of_secrets_is_read_from_a_file_with_one_a_line(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("one\n\n  two\n")
    found = settings(tmp_path, f"webhook: {{bearer_tokens_file: {tmp_path / 'tokens'}}}")
    assert [token.get_secret_value() for token in found.webhook.bearer_tokens] == ["one", "two"]


def test_users_and_passwords_are_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "users").write_text("alertmanager: with:colon\nother:secret\n")
    found = settings(tmp_path, RESPONDER_WEBHOOK__BASIC_USERS_FILE=str(tmp_path / "users"))
    users = {user: password.get_secret_value() for user, password in found.webhook.basic_users.items()}
    assert users == {"alertmanager": "with:colon", "other": "secret"}


def test_a_secret_at_the_top_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://responder:secret@db/responder\n")
    found = settings(tmp_path, RESPONDER_DATABASE_URL_FILE=str(tmp_path / "url"))
    assert found.database_url.get_secret_value() == "postgresql://responder:secret@db/responder"


def test_paths_in_the_file_begin_at_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "in here"
    (folder / "secrets").mkdir(parents=True)
    (folder / "secrets" / "key").write_text("hush\n")
    monkeypatch.chdir(tmp_path)
    text = """
        database_url: sqlite:///data/responder.db?x=1
        rules: [packs/a, /packs/b]
        tls: {certificate: tls.pem, key: /etc/tls.key}
        credentials: {api: {url: http://a, tls: {ca: ca.pem}, password_file: secrets/key, username: me}}
        clusters: {west: {kubernetes: {kubeconfig: kube/config}}}
        alertmanagers: [{url: http://a, cluster: west, bearer_token_file: secrets/key}]
    """
    found = settings(folder, text)
    assert found.database_url.get_secret_value() == f"sqlite:///{tmp_path}/in%20here/data/responder.db?x=1"
    assert found.rules == [folder / "packs" / "a", Path("/packs/b")]
    assert (found.tls.certificate, found.tls.key) == (folder / "tls.pem", Path("/etc/tls.key"))
    assert found.credentials["api"].tls.ca == folder / "ca.pem"
    kubernetes = found.clusters["west"].kubernetes
    assert kubernetes is not None
    assert kubernetes.kubeconfig == folder / "kube" / "config"
    secrets = (found.credentials["api"].password, found.alertmanagers[0].bearer_token)
    assert [secret and secret.get_secret_value() for secret in secrets] == ["hush", "hush"]


def test_paths_in_variables_begin_at_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("hush\n")
    (tmp_path / "etc").mkdir()
    monkeypatch.chdir(tmp_path)
    variables = {
        "RESPONDER_DATABASE_URL": "sqlite:///mine.db",
        "RESPONDER_RULES": "mine",
        "RESPONDER_SLACK__BOT_TOKEN_FILE": "token",
    }
    found = settings(
        tmp_path / "etc", "database_url: sqlite:///its.db\nrules: its\nslack: {bot_token_file: no}", **variables
    )
    assert found.database_url.get_secret_value() == "sqlite:///mine.db"
    assert found.rules == [Path("mine")]
    assert found.slack.bot_token is not None
    assert found.slack.bot_token.get_secret_value() == "hush"


@pytest.mark.parametrize("text", ["rules: 7", "tls: x", "clusters: [a]", "alertmanagers: {a: b}", "database_url: [x]"])
def test_a_wrong_shape_where_a_path_could_stand_is_named(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text).startswith(text.partition(":")[0])


def test_a_variable_gives_a_list_by_commas_or_as_json(tmp_path: Path) -> None:
    assert settings(tmp_path, RESPONDER_RULES="rules/a, rules/b").rules == [Path("rules/a"), Path("rules/b")]
    assert settings(tmp_path, RESPONDER_RULES='["rules/a"]').rules == [Path("rules/a")]


def test_headers_keep_their_case_and_are_secrets(tmp_path: Path) -> None:
    found = settings(tmp_path, "prometheus: {url: http://mimir, headers: {X-Scope-OrgID: tenant}}")
    assert found.prometheus is not None
    assert found.prometheus.headers["X-Scope-OrgID"].get_secret_value() == "tenant"
    assert "tenant" not in repr(found)


def test_what_stands_at_the_top_is_the_cluster_default_beside_the_named_ones(tmp_path: Path) -> None:
    found = settings(tmp_path, "prometheus: {url: http://a}\nclusters: {west: {prometheus: {url: http://b}}}")
    urls = {name: cluster.prometheus and cluster.prometheus.url for name, cluster in found.every_cluster.items()}
    assert urls == {"default": "http://a", "west": "http://b"}


def test_named_clusters_alone_leave_no_default(tmp_path: Path) -> None:
    assert list(settings(tmp_path, "clusters: {west: {}, east: {}}").every_cluster) == ["west", "east"]


def test_a_bare_off_means_off_and_not_false(tmp_path: Path) -> None:
    assert settings(tmp_path, "automation: off").automation.mode == "off"
    assert settings(tmp_path, "automation: {mode: off}").automation.mode == "off"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("webhok: {}", "webhok: there is no such setting; did you mean webhook?"),
        ("slack: {bot_tokn: x}", "slack.bot_tokn: there is no such setting; did you mean slack.bot_token?"),
        ("clusters: {a: {prometeus: {}}}", "did you mean clusters.a.prometheus?"),
        ("alertmanagers: [{url: http://a, recever: x}]", "did you mean alertmanagers.0.receiver?"),
        ("webhook: {max_body: lots}", "webhook.max_body: must be a valid integer"),
        ("quiet_for: 5x", "quiet_for: '5x' is not a duration: write a number and a unit"),
        ("listen: '8080'", "listen: write address:port"),
        ("listen: 127.0.0.1:99999", "listen: write address:port"),
        ("database_url: mysql://x", "database_url: must begin with sqlite:// or postgresql:// or postgres://"),
        ("prometheus: {url: prometheus:9090}", "prometheus.url: must begin with http:// or https://"),
        ("automation: maybe", "automation.mode: must be 'off', 'suggest', 'approve' or 'auto'"),
        ("automation: {dry: true}", "did you mean automation.dry_run?"),
        ("actions: {programs: ['(']}", "actions.programs.0: '(' is no program: write each out"),
        ("actions: {programs: [jmap, bash]}", "actions.programs.1: bash runs whatever it is told: write the whole"),
        ("evidence: {directory: a, s3: {bucket: abc}}", "evidence: give directory or s3, not both"),
        ("evidence: {s3: {bucket: abc, access_key: x}}", "evidence.s3: access_key and secret_key go together"),
        ("evidence: {max_size: lots}", "evidence.max_size: must be a valid integer"),
        ("evidence: {keep: 5m}", "evidence.keep: must be greater than or equal to 1 hour"),
        ("evidence: {s3: {bucket: abc}, keep: 90d}", "in a bucket its own lifecycle rule says how long files stay"),
        ("people: {ann: {token: ' '}}", "people.ann: the token is empty"),
        ("people: {ann: {roles: [on-call]}}", "people.ann: give token, slack or both"),
        ("people: {ann: {slack: '@ann'}}", "people.ann.slack: "),
        ("people: {' ': {token: x}}", "people. .[key]"),
        ("people: {ann: {token: x}, bob: {token: x}}", "people: ann and bob have the same token"),
        ("people: {ann: {slack: U123}, bob: {slack: U123}}", "people: ann and bob have the same slack"),
        (
            "people: {ann: {token: x}}\nwebhook: {bearer_tokens: [x]}",
            "settings: people.ann.token is one of webhook.bearer_tokens",
        ),
        ("datasources: {redis: {a: {url: redis://a, action_url: http://a}}}", "datasources.redis.a.action_url: must"),
        ("timezone: Mars/Olympus", "timezone: 'Mars/Olympus' is not a time zone"),
        ("tls: {certificate: a.pem}", "tls: certificate and key go together"),
        ("tls: {client_ca: a.pem}", "tls: client_ca needs certificate and key"),
        ("webhook: {allow_anonymous: true, bearer_tokens: [x]}", "webhook: allow_anonymous lets everybody in"),
        ("webhook: {bearer_tokens: ['']}", "webhook: a bearer token or a password is empty"),
        ("webhook: {intake: 10, max_body: 20}", "webhook: intake (10) must have room"),
        ("slack: {bot_token: x, bot_token_file: y}", "slack: give bot_token or bot_token_file, not both"),
        ("slack: {bot_token_file: /does/not/exist}", "bot_token_file: cannot read /does/not/exist: No such file"),
        ("prometheus: {url: http://a, bearer_token: x, username: y}", "prometheus: give bearer_token, or username"),
        ("prometheus: {url: http://a}\nclusters: {default: {}}", "clusters.default stands beside prometheus"),
        ("alertmanagers: [{url: http://a, cluster: west}]", "alertmanagers name the cluster 'west'"),
        ("slack: {}\nslack: {}", "slack stands here twice"),
        ("- a", "must be a mapping of settings"),
        ("a: [", "is not YAML"),
    ],
)
def test_a_wrong_setting_is_named_with_its_cure(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in problems(tmp_path, text)


def test_every_wrong_setting_is_named_at_once(tmp_path: Path) -> None:
    assert len(problems(tmp_path, "webhok: {}\nlisten: x\nquiet_for: 1y").splitlines()) == 3


def test_a_wrong_value_from_the_environment_names_the_variable(tmp_path: Path) -> None:
    assert "webhook.max_body (RESPONDER_WEBHOOK__MAX_BODY): must be" in problems(
        tmp_path, RESPONDER_WEBHOOK__MAX_BODY="lots"
    )


def test_a_misspelt_variable_is_an_error(tmp_path: Path) -> None:
    assert "did you mean RESPONDER_DATABASE_URL?" in problems(tmp_path, RESPONDER_DATABSE_URL="sqlite:///x")
    assert "did you mean webhook" in problems(tmp_path, RESPONDER_WEBHOK__MAX_BODY="1")


def test_the_variables_of_a_kubernetes_service_called_responder_are_not_taken_for_settings(tmp_path: Path) -> None:
    links = {
        "RESPONDER_PORT": "tcp://10.0.0.1:8080",
        "RESPONDER_PORT_8080_TCP": "tcp://10.0.0.1:8080",
        "RESPONDER_PORT_8080_TCP_ADDR": "10.0.0.1",
        "RESPONDER_PORT_8080_TCP_PORT": "8080",
        "RESPONDER_PORT_8080_TCP_PROTO": "tcp",
        "RESPONDER_SERVICE_HOST": "10.0.0.1",
        "RESPONDER_SERVICE_PORT": "8080",
        "RESPONDER_SERVICE_PORT_HTTP": "8080",
        "RESPONDER_TEST_KUBECONFIG": "/tmp/kubeconfig",
    }
    assert settings(tmp_path, **links) == Settings.load(None, {})


def test_a_value_that_may_be_a_secret_is_never_shown(tmp_path: Path) -> None:
    text = "slack: {bot_tokn: hush1}\ndatabase_url: hush2\nwebhook: {bearer_tokens: {a: hush3}}\nprometheus: hush4"
    assert "hush" not in problems(tmp_path, text)
    assert "hush" not in problems(tmp_path, "people: {a: {token: hush5}, b: {token: hush5}}")
    assert "hush" not in problems(tmp_path, "slack: {bot_token: [hush")


@pytest.mark.parametrize(
    ("text", "environ", "expected"),
    [
        ("automation: approve", {}, ("approve", False)),
        ("automation: {mode: auto, dry_run: true}", {}, ("auto", True)),
        ("automation: {dry_run: true}", {}, ("suggest", True)),
        ("automation: approve", {"RESPONDER_AUTOMATION__DRY_RUN": "true"}, ("approve", True)),
        ("automation: off", {"RESPONDER_AUTOMATION__DRY_RUN": "true"}, ("off", True)),
        ("automation: {mode: auto, dry_run: true}", {"RESPONDER_AUTOMATION": "approve"}, ("approve", True)),
        ("", {"RESPONDER_AUTOMATION": "approve", "RESPONDER_AUTOMATION__DRY_RUN": "true"}, ("approve", True)),
        ("", {"RESPONDER_AUTOMATION": '{"mode": "auto"}'}, ("auto", False)),
        ("", {"RESPONDER_AUTOMATION": "off"}, ("off", False)),
    ],
)
def test_a_word_for_automation_and_its_parts_add_up_wherever_they_stand(
    tmp_path: Path, text: str, environ: dict[str, str], expected: tuple[str, bool]
) -> None:
    found = settings(tmp_path, text, **environ).automation
    assert (found.mode, found.dry_run, found.stopped) == (*expected, False)


def test_two_variables_for_one_setting_are_an_error(tmp_path: Path) -> None:
    said = problems(tmp_path, RESPONDER_AUTOMATION="approve", RESPONDER_AUTOMATION__MODE="off")
    assert said == "RESPONDER_AUTOMATION__MODE: another variable gives automation.mode; take out one of them"


def test_actions_may_touch_nothing_that_is_not_named(tmp_path: Path) -> None:
    found = settings(tmp_path).actions
    assert (found.programs, found.redis_parameters) == ([], [])
    assert found.kinds == ["ConfigMap", "NetworkPolicy", "PodDisruptionBudget", "HorizontalPodAutoscaler"]
    assert found.methods == ["POST", "PUT", "PATCH", "DELETE"]
    narrowed = settings(tmp_path, "actions: {methods: post}", RESPONDER_ACTIONS__PROGRAMS="jmap, redis-cli").actions
    assert (narrowed.programs, narrowed.methods) == (["jmap", "redis-cli"], ["POST"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("database_url: sqlite:///data/it.db?x=1", "data/evidence"),
        ("database_url: sqlite:////var/it%20s.db", "/var/evidence"),
        ("database_url: postgresql://db/it", None),
        ("database_url: postgresql://db/it\nevidence: {directory: kept}", "kept"),
        ("evidence: {s3: {bucket: evidence}}", None),
    ],
)
def test_evidence_lies_beside_the_sqlite_file_where_nothing_else_is_said(
    tmp_path: Path, text: str, expected: str | None
) -> None:
    assert settings(tmp_path, text).evidence_directory == (None if expected is None else tmp_path / expected)


@pytest.mark.parametrize(("text", "size"), [("1000", 1000), ("256 MiB", 256 * 2**20), ("1Gi", 2**30), ("5k", 5000)])
def test_a_size_is_written_in_bytes_or_with_a_unit(tmp_path: Path, text: str, size: int) -> None:
    assert settings(tmp_path, f"evidence: {{max_size: {text}}}").evidence.max_size == size


def test_people_have_tokens_from_files_and_roles_by_commas(tmp_path: Path) -> None:
    (tmp_path / "ann").write_text("hush\n")
    found = settings(
        tmp_path,
        "people: {ann: {token_file: ann, roles: [on-call]}, 'Bob Ruiz': {slack: U012AB3CD}}",
        RESPONDER_PEOPLE__ANN__ROLES="on-call, security",
    ).people
    assert found["ann"].token is not None
    assert (found["ann"].token.get_secret_value(), found["ann"].roles) == ("hush", ["on-call", "security"])
    assert (found["Bob Ruiz"].token, found["Bob Ruiz"].slack) == (None, "U012AB3CD")
    assert "hush" not in repr(found)


def test_a_file_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ConfigError, match="cannot read /does/not/exist"):
        Settings.load(Path("/does/not/exist"), {})
