"""All settings of the process."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator

from responder.errors import ConfigError
from responder.settings.acting import Actions, Automation, EvidenceStore, Person, PersonName, recognisable
from responder.settings.relative import anchored, sqlite_path
from responder.settings.section import Address, HttpUrl, Paths, Section, Span, Zone, schemes
from responder.settings.sections import (
    DEFAULT_CLUSTER,
    AlertmanagerEndpoint,
    Cluster,
    Datasources,
    Endpoint,
    HttpPolicy,
    KubernetesAccess,
    MailServer,
    OutgoingWebhook,
    PagerDuty,
    ServerTls,
    SlackAccess,
    Webhook,
)
from responder.settings.sources import explain, merge, read_environment, read_file, spelled_out


class Settings(Section):
    """Everything that can be set. Each name is also a variable: `webhook.max_body` is RESPONDER_WEBHOOK__MAX_BODY."""

    listen: Address = Field("127.0.0.1:8080", description="Address and port of the HTTP door.")
    database_url: Annotated[SecretStr, schemes("sqlite", "postgresql", "postgres")] = Field(
        SecretStr("sqlite:///responder.db"), description="sqlite:///PATH or postgresql://..."
    )
    redis_url: Annotated[SecretStr | None, schemes("redis", "rediss", "unix")] = Field(
        None,
        description="Optional: over it replicas share Slack's pace and readings of a few seconds. Never holds truth.",
    )
    rules: Paths = Field([], description="Rule files and folders, in the order in which they match.")
    webhook: Webhook = Webhook()
    tls: ServerTls = ServerTls()
    prometheus: Endpoint | None = Field(None, description="The Prometheus of the cluster `default`.")
    kubernetes: KubernetesAccess | None = Field(None, description="The API server of the cluster `default`.")
    datasources: Datasources = Field(Datasources(), description="The databases of the cluster `default`.")
    clusters: dict[str, Cluster] = Field({}, description="Several clusters, by name.")
    cluster_label: str = Field("cluster", description="The label that names an alert's cluster, with several.")
    alertmanagers: list[AlertmanagerEndpoint] = Field([], description="Where to look for alerts that we missed.")
    credentials: dict[str, Endpoint] = Field(
        {}, description="Named credentials for http.* steps, bound to their `url`."
    )
    http: HttpPolicy = HttpPolicy()
    slack: SlackAccess = SlackAccess()
    pagerduty: PagerDuty = PagerDuty()
    mail: MailServer = MailServer()
    outgoing: dict[str, OutgoingWebhook] = Field({}, description="Addresses that take our messages, by name.")
    automation: Automation = Field(Automation(), description="Ceiling for all actions.")
    actions: Actions = Actions()
    evidence: EvidenceStore = EvidenceStore()
    people: Annotated[dict[PersonName, Person], AfterValidator(recognisable)] = Field(
        {}, description="Who may decide about actions, by name."
    )
    quiet_for: Span = Field(timedelta(minutes=5), description="How long all must be quiet before an incident resolves.")
    group_wait: Span = Field(timedelta(seconds=5), description="group_wait of the route that points at us.")
    group_interval: Span = Field(timedelta(minutes=1), description="group_interval of the route that points at us.")
    reconcile_every: Span = Field(timedelta(minutes=1), description="How often the Alertmanagers are asked.")
    stop_within: Span = Field(timedelta(seconds=20), description="How long a graceful stop may take.")
    lease: Span = Field(
        timedelta(seconds=15),
        ge=timedelta(seconds=2),
        le=timedelta(minutes=5),
        description="How long a process may show no sign of life until another takes over. Under 10s is for trials.",
    )
    timezone: Zone = Field("UTC", description="Zone for readers where the destination does not know its own.")
    external_url: HttpUrl = Field("", description="Where people reach us; for links in messages.")
    log_format: Literal["json", "console"] = Field("json", description="One JSON object a line, or text for people.")

    @model_validator(mode="after")
    def _one_default(self) -> Self:
        if DEFAULT_CLUSTER in self.clusters and self._top != Cluster():
            raise ValueError(
                f"clusters.{DEFAULT_CLUSTER} stands beside prometheus, kubernetes or datasources: keep one"
            )
        unknown = {a.cluster for a in self.alertmanagers} - set(self.every_cluster)
        if unknown:
            known = ", ".join(self.every_cluster)
            raise ValueError(f"alertmanagers name the cluster {min(unknown)!r}, which is not in clusters ({known})")
        return self

    @model_validator(mode="after")
    def _own_tokens(self) -> Self:
        doors = {token.get_secret_value() for token in self.webhook.bearer_tokens}
        for name, person in self.people.items():
            if person.token is not None and person.token.get_secret_value() in doors:
                raise ValueError(f"people.{name}.token is one of webhook.bearer_tokens: give each their own")
        return self

    @property
    def _top(self) -> Cluster:
        return Cluster(prometheus=self.prometheus, kubernetes=self.kubernetes, datasources=self.datasources)

    @property
    def every_cluster(self) -> Mapping[str, Cluster]:
        """Every cluster by name; what stands at the top, or nothing at all, is the one called `default`."""
        default = {DEFAULT_CLUSTER: self._top} if self._top != Cluster() or not self.clusters else {}
        return {**default, **self.clusters}

    @property
    def evidence_directory(self) -> Path | None:
        """The folder for evidence; None where it is kept in a bucket, or neither is told with PostgreSQL."""
        if self.evidence.directory or self.evidence.s3:
            return self.evidence.directory
        path = sqlite_path(self.database_url.get_secret_value())
        return path and path.parent / "evidence"

    @property
    def address(self) -> tuple[str, int]:
        """Where to listen: host ("" for all) and port (0 for any that is free)."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    @classmethod
    def load(cls, path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Self:
        """
        Read the file, if any, and the environment.

        Relative paths begin at the folder of the file that names them; those of variables, at the working directory.

        Raises: ConfigError with one line for each wrong setting.
        """
        variables = read_environment(environ, cls)
        written = anchored(read_file(path), cls, path.parent) if path else {}
        try:
            return cls.model_validate(merge(spelled_out(written, cls), variables))
        except ValidationError as error:
            raise ConfigError("\n".join(explain(details, variables, cls) for details in error.errors())) from error
