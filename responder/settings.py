"""
Typed process settings: the only reader of the environment and of responder.yaml.

Order of precedence: `RESPONDER_*` variables (nested with `__`), then the file, then the defaults. Every secret can also
be read from a file: `bot_token_file` beside `bot_token`.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from responder.errors import ConfigError
from responder.model.duration import parse_duration

Span = Annotated[timedelta, BeforeValidator(lambda value: parse_duration(value) if isinstance(value, str) else value)]


class Section(BaseModel):
    """A group of settings. An unknown name is an error; `NAME_file` is read into the secret NAME."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        read = dict(data)
        for name in cls.model_fields:
            path = read.pop(f"{name}_file", None) if f"{name}_file" not in cls.model_fields else None
            if path is None:
                continue
            if read.get(name) is not None:
                raise ValueError(f"give {name} or {name}_file, not both")
            try:
                read[name] = Path(str(path)).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ValueError(f"{name}_file: cannot read {path}: {error.strerror}") from error
        return read


class Tls(Section):
    """TLS of a connection that we open."""

    ca: Path | None = Field(None, description="File with the authorities to trust; the system's when absent.")
    certificate: Path | None = Field(None, description="Our client certificate.")
    key: Path | None = Field(None, description="The key of our client certificate.")
    insecure_skip_verify: bool = Field(False, description="Accept any certificate. For trials only.")


class Endpoint(Section):
    """An HTTP API and how to be let in."""

    url: str = Field(description="Base address, with a path prefix if there is one.")
    bearer_token: SecretStr | None = Field(None, description="Sent as `Authorization: Bearer`.")
    username: str = Field("", description="For basic authentication.")
    password: SecretStr | None = Field(None, description="For basic authentication.")
    headers: dict[str, SecretStr] = Field({}, description="Extra headers, such as X-Scope-OrgID.")
    tls: Tls = Tls()


class AlertmanagerEndpoint(Endpoint):
    """An Alertmanager to reconcile with."""

    cluster: str = Field("default", description="The cluster whose alerts it holds.")
    receiver: str = Field("responder", description="The name of its receiver that points at us.")


class KubernetesAccess(Section):
    """How to reach a cluster's API server. Without a kubeconfig the service account of the pod is used."""

    kubeconfig: Path | None = Field(None, description="Path of a kubeconfig file.")
    context: str = Field("", description="Context of the kubeconfig; its current one when absent.")
    in_cluster: bool = Field(False, description="Use the service account of the pod that we run in.")


class Source(Section):
    """A database for diagnostics; give it a role that can only read."""

    url: SecretStr = Field(description="Connection URL.")


class Datasources(Section):
    """Databases by the name that rules use for them."""

    postgres: dict[str, Source] = {}
    redis: dict[str, Source] = {}


class Cluster(Section):
    """What belongs to one cluster."""

    prometheus: Endpoint | None = None
    kubernetes: KubernetesAccess | None = None
    datasources: Datasources = Datasources()


class Webhook(Section):
    """The door for Alertmanager."""

    bearer_tokens: list[SecretStr] = Field([], description="Any of them lets a delivery in.")
    basic_users: dict[str, SecretStr] = Field({}, description="User name to password.")
    allow_anonymous: bool = Field(False, description="Let everybody in. Write it out if you mean it.")
    max_body: int = Field(16 * 1024 * 1024, gt=0, description="Largest body accepted, in bytes.")
    intake: int = Field(64 * 1024 * 1024, gt=0, description="Bytes of deliveries held before they are committed.")
    read_timeout: Span = Field(timedelta(seconds=10), description="How long reading one request may take.")


class ServerTls(Section):
    """TLS of the door. With `client_ca` the webhook, and it only, asks for a client certificate."""

    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None


class SlackAccess(Section):
    """A Slack workspace."""

    bot_token: SecretStr | None = Field(None, description="xoxb-...; scopes chat:write, files:write, channels:history.")
    base_url: str = Field("https://slack.com/api/", description="For a proxy or a test server.")


class Settings(BaseSettings):
    """Everything that can be set. Each name is also a variable: `webhook.max_body` is RESPONDER_WEBHOOK__MAX_BODY."""

    model_config = SettingsConfigDict(
        env_prefix="RESPONDER_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    listen: str = Field("127.0.0.1:8080", description="Address and port of the HTTP door.")
    database_url: SecretStr = Field(
        SecretStr("sqlite:///responder.db"), description="sqlite:///PATH or postgresql://..."
    )
    redis_url: SecretStr | None = Field(
        None, description="Optional: shared rate limits and a cache. Never holds truth."
    )
    rules: list[Path] = Field([], description="Rule files and folders, in the order in which they match.")
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
    slack: SlackAccess = SlackAccess()
    automation: Literal["off", "suggest", "approve", "auto"] = Field("suggest", description="Ceiling for all actions.")
    quiet_for: Span = Field(timedelta(minutes=5), description="How long all must be quiet before an incident resolves.")
    group_wait: Span = Field(timedelta(seconds=5), description="group_wait of the route that points at us.")
    group_interval: Span = Field(timedelta(minutes=1), description="group_interval of the route that points at us.")
    reconcile_every: Span = Field(timedelta(minutes=1), description="How often the Alertmanagers are asked.")
    timezone: str = Field("UTC", description="Zone for readers where the destination does not know its own.")
    external_url: str = Field("", description="Where people reach us; for links in messages.")
    log_format: Literal["json", "console"] = "json"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, which arrives as initial values."""
        return env_settings, init_settings

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """
        Read the file, if any, and the environment.

        Raises: ConfigError naming each wrong setting.
        """
        try:
            return cls(**_read(path))
        except ValidationError as error:
            lines = [f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}" for e in error.errors()]
            raise ConfigError("\n".join(lines)) from error


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {error}") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path} must be a mapping of settings")
    return data
