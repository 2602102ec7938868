"""The groups of settings."""

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, IPvAnyNetwork, SecretStr, model_validator

from responder.settings.section import HttpUrl, Secrets, Section, Span, schemes

DEFAULT_CLUSTER = "default"
"""The name of the one cluster that the settings at the top describe."""


class Certified(Section):
    """A certificate of ours and its key."""

    certificate: Path | None = Field(None, description="Our certificate with its chain, PEM.")
    key: Path | None = Field(None, description="The key of our certificate, PEM.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate and key go together: give both or none")
        return self


class Tls(Certified):
    """TLS of a connection that we open; a certificate of ours is for servers that ask for one."""

    ca: Path | None = Field(None, description="File with the authorities to trust; the system's when absent.")
    insecure_skip_verify: bool = Field(False, description="Accept any certificate. For trials only.")


class Endpoint(Section):
    """An HTTP API and how to be let in."""

    url: HttpUrl = Field(description="Base address, with a path prefix if there is one.")
    bearer_token: SecretStr | None = Field(None, description="Sent as `Authorization: Bearer`.")
    username: str = Field("", description="For basic authentication.")
    password: SecretStr | None = Field(None, description="For basic authentication.")
    headers: dict[str, SecretStr] = Field({}, description="Extra headers, such as X-Scope-OrgID.")
    tls: Tls = Field(Tls(), description="TLS, where the address begins with https.")

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.bearer_token and (self.username or self.password):
            raise ValueError("give bearer_token, or username and password, not both")
        return self


class HttpPolicy(Section):
    """What steps of the kind http.* may reach."""

    refuse: list[IPvAnyNetwork] = Field(
        [ip_network("169.254.0.0/16"), ip_network("fe80::/10"), ip_network("fd00:ec2::254/128")],
        description="Networks never asked; by default where clouds serve the credentials of the machine.",
    )
    redirects: bool = Field(True, description="Follow redirects within the same host.")


class AlertmanagerEndpoint(Endpoint):
    """An Alertmanager to reconcile with."""

    cluster: str = Field(DEFAULT_CLUSTER, description="The cluster whose alerts it holds.")
    receiver: str = Field("responder", description="The name of its receiver that points at us.")


class KubernetesAccess(Section):
    """How to reach a cluster's API server. Without a kubeconfig the service account of the pod is used."""

    kubeconfig: Path | None = Field(None, description="Path of a kubeconfig file.")
    context: str = Field("", description="Context of the kubeconfig; its current one when absent.")
    in_cluster: bool = Field(False, description="Use the service account of the pod that we run in.")
    action_kubeconfig: Path | None = Field(None, description="The login for actions, if another: one that may write.")
    action_context: str = Field("", description="Context for actions; the current one of action_kubeconfig.")

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.in_cluster and self.kubeconfig:
            raise ValueError("give kubeconfig or in_cluster, not both")
        if self.action_context and not (self.action_kubeconfig or self.kubeconfig):
            raise ValueError("action_context needs action_kubeconfig or kubeconfig, which it is a context of")
        return self

    @property
    def acting(self) -> "KubernetesAccess":
        """The access of actions: their own where one is given, else this one."""
        if not (self.action_kubeconfig or self.action_context):
            return self
        return KubernetesAccess(kubeconfig=self.action_kubeconfig or self.kubeconfig, context=self.action_context)


class PostgresSource(Section):
    """A PostgreSQL database for diagnostics; give it a role that can only read. Actions log in with `action_url`."""

    url: Annotated[SecretStr, schemes("postgresql", "postgres")] = Field(description="postgresql://user@host/database")
    action_url: Annotated[SecretStr | None, schemes("postgresql", "postgres")] = Field(
        None, description="The login for actions, if another: give it only what the rules need."
    )


class RedisSource(Section):
    """A Redis for diagnostics; give it a user that can only read. Actions log in with `action_url`."""

    url: Annotated[SecretStr, schemes("redis", "rediss", "unix")] = Field(description="redis://host:6379/0")
    action_url: Annotated[SecretStr | None, schemes("redis", "rediss", "unix")] = Field(
        None, description="The login for actions, if another: give it only what the rules need."
    )


class Datasources(Section):
    """Databases by the name that rules use for them."""

    postgres: dict[str, PostgresSource] = Field({}, description="PostgreSQL databases, by name.")
    redis: dict[str, RedisSource] = Field({}, description="Redis servers, by name.")


class Cluster(Section):
    """What belongs to one cluster."""

    prometheus: Endpoint | None = Field(None, description="Its Prometheus.")
    kubernetes: KubernetesAccess | None = Field(None, description="Its API server.")
    datasources: Datasources = Field(Datasources(), description="Its databases.")


class Webhook(Section):
    """The door for Alertmanager."""

    bearer_tokens: Secrets = Field([], description="Any of them lets a delivery in; a file has one a line.")
    basic_users: dict[str, SecretStr] = Field({}, description="User to password; a file has `user: password` lines.")
    allow_anonymous: bool = Field(False, description="Let everybody in. Write it out if you mean it.")
    max_body: int = Field(16 * 1024 * 1024, gt=0, description="Largest body accepted, in bytes.")
    intake: int = Field(64 * 1024 * 1024, gt=0, description="Bytes of deliveries held before they are committed.")
    read_timeout: Span = Field(timedelta(seconds=10), description="How long reading one request may take.")

    @model_validator(mode="after")
    def _meant(self) -> Self:
        if self.allow_anonymous and (self.bearer_tokens or self.basic_users):
            raise ValueError("allow_anonymous lets everybody in: take out it, or bearer_tokens and basic_users")
        if self.intake < self.max_body:
            raise ValueError(f"intake ({self.intake}) must have room for one body of max_body ({self.max_body})")
        if not all(secret.get_secret_value().strip() for secret in (*self.bearer_tokens, *self.basic_users.values())):
            raise ValueError("a bearer token or a password is empty")
        return self


class ServerTls(Certified):
    """TLS of the door. With `client_ca` the webhook, and it only, asks for a client certificate."""

    client_ca: Path | None = Field(None, description="Who signs client certificates: the webhook then needs one.")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.client_ca and not self.certificate:
            raise ValueError("client_ca needs certificate and key: there are no client certificates without TLS")
        return self


class IncomingWebhook(Section):
    """An incoming webhook of a Slack channel; its address is a secret."""

    url: Annotated[SecretStr, schemes("http", "https")] = Field(description="https://hooks.slack.com/services/...")


class SlackAccess(Section):
    """A Slack workspace."""

    bot_token: SecretStr | None = Field(
        None,
        description="xoxb-...; scopes chat:write, chat:write.public, files:write, channels:read and channels:history;"
        " for private channels groups:read and groups:history.",
    )
    signing_secret: SecretStr | None = Field(None, description="Proves that a pressed button comes from Slack.")
    base_url: HttpUrl = Field("https://slack.com/api/", description="For a proxy or a test server.")
    webhooks: dict[str, IncomingWebhook] = Field({}, description="Incoming webhooks, by the name that rules use.")


class PagerDutyService(Section):
    """A service of PagerDuty."""

    routing_key: SecretStr = Field(description="The integration key of its Events API v2 integration.")


class PagerDuty(Section):
    """PagerDuty."""

    base_url: HttpUrl = Field("https://events.pagerduty.com", description="Of the EU region, or a test server.")
    services: dict[str, PagerDutyService] = Field({}, description="Services, by the name that rules use.")


class OutgoingWebhook(Section):
    """An address of yours that takes our messages as signed JSON."""

    url: Annotated[SecretStr, schemes("http", "https")] = Field(description="Where the messages are posted.")
    signing_key: SecretStr = Field(description="Shared with the receiver, which checks the signature with it.")


class MailServer(Section):
    """The mail server for receivers of the kind `email`."""

    host: str = Field("", description="Host name; none, no mail.")
    port: int = Field(587, gt=0, le=65535, description="Its port: 587 for starttls, 465 for tls.")
    tls: Literal["starttls", "tls", "none"] = Field("starttls", description="How the connection is made safe.")
    username: str = Field("", description="For authentication.")
    password: SecretStr | None = Field(None, description="For authentication.")
    sender: str = Field("responder@localhost", description="Address in From.")

    @model_validator(mode="after")
    def _kept_secret(self) -> Self:
        if self.password and self.tls == "none":
            raise ValueError("a password needs tls: starttls or tls")
        return self
