"""Alertmanager's API v2, read only: which alerts it holds, since when it runs, what is silenced."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from responder.clients.api import Api
from responder.errors import WrongSettings
from responder.model.labels import clean
from responder.model.outside import AmAlert, AmConfiguration, AmSilence, AmStatus
from responder.settings.sections import AlertmanagerEndpoint

T = TypeVar("T")

TIMEOUT = timedelta(seconds=20)
LARGEST = 64 * 1024 * 1024
"""Bytes of an answer: 2,000 alerts have about 1.5 MB."""

_Text = Annotated[str, AfterValidator(clean)]
_Moment = Annotated[datetime, AfterValidator(lambda at: at.astimezone(UTC) if at.year > 1 else None)]


class _Wire(BaseModel, alias_generator=to_camel):
    """What Alertmanager sends; fields that we do not know are passed over."""


class _State(_Wire):
    state: str
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()


class _Named(_Wire):
    name: str


class _Alert(_Wire):
    fingerprint: str
    labels: dict[_Text, _Text]
    annotations: dict[_Text, _Text] = {}
    starts_at: _Moment
    ends_at: _Moment
    receivers: tuple[_Named, ...]
    status: _State
    generator_url: str = Field("", alias="generatorURL")


class _Version(_Wire):
    version: str


class _Cluster(_Wire):
    peers: tuple[Any, ...] | None = None


class _Status(_Wire):
    uptime: _Moment
    version_info: _Version
    cluster: _Cluster


class _Config(_Wire):
    original: str


class _SetUp(_Wire):
    version_info: _Version
    config: _Config


class _Matcher(_Wire):
    name: str
    value: str
    is_regex: bool
    is_equal: bool = True

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        operator = ("=~" if self.is_regex else "=") if self.is_equal else ("!~" if self.is_regex else "!=")
        return f'{self.name}{operator}"{escaped}"'


class _SilenceState(_Wire):
    state: str


class _Silence(_Wire):
    id: str
    status: _SilenceState
    matchers: tuple[_Matcher, ...]
    starts_at: _Moment
    ends_at: _Moment
    created_by: str = ""
    comment: str = ""


_ALERTS = TypeAdapter(tuple[_Alert, ...])
_STATUS = TypeAdapter(_Status)
_SET_UP = TypeAdapter(_SetUp)
_SILENCES = TypeAdapter(tuple[_Silence, ...])


class Alertmanager:
    """Asks one Alertmanager; `endpoint` says which cluster it serves and which of its receivers points at us."""

    def __init__(self, endpoint: AlertmanagerEndpoint) -> None:
        self.endpoint = endpoint
        self._api = Api(endpoint, name="Alertmanager", timeout=TIMEOUT, limit_bytes=LARGEST)

    @property
    def name(self) -> str:
        """The host and port, for people."""
        return self._api.host

    async def alerts(self) -> Sequence[AmAlert]:
        """
        List every alert that it holds now, silenced and inhibited ones too.

        Raises: CallError. Source: `GET /api/v2/alerts`.
        """
        return [
            AmAlert(
                fingerprint=alert.fingerprint,
                labels=alert.labels,
                annotations=alert.annotations,
                starts_at=alert.starts_at,
                ends_at=alert.ends_at,
                receivers=tuple(receiver.name for receiver in alert.receivers),
                silenced_by=alert.status.silenced_by,
                inhibited_by=alert.status.inhibited_by,
                state=alert.status.state,
                generator_url=alert.generator_url,
            )
            for alert in await self._get(_ALERTS, "/api/v2/alerts")
        ]

    async def status(self) -> AmStatus:
        """Say since when it runs and in which version. Raises: CallError. Source: `GET /api/v2/status`."""
        status = await self._get(_STATUS, "/api/v2/status")
        return AmStatus(status.uptime, status.version_info.version, len(status.cluster.peers or ()))

    async def configuration(self) -> AmConfiguration:
        """Say how it is set up. Raises: CallError. Source: `GET /api/v2/status`."""
        answer = await self._api.get("/api/v2/status")
        try:
            status = _SET_UP.validate_python(self._api.read(answer))
            written = yaml.safe_load(status.config.original)
        except (ValidationError, yaml.YAMLError) as error:
            raise WrongSettings("this is not the API of an Alertmanager: check its url in the settings") from error
        return AmConfiguration(
            version=status.version_info.version,
            date=answer.headers.get("Date", ""),
            written=written if isinstance(written, dict) else {},
        )

    async def silences(self, *matchers: str) -> Sequence[AmSilence]:
        """
        List the silences, expired ones too, or those that have each of these very matchers: `alertname=~"Kube.*"`.

        Raises: CallError. Source: `GET /api/v2/silences`.
        """
        query = [("filter", matcher) for matcher in matchers]
        return [
            AmSilence(
                id=silence.id,
                state=silence.status.state,
                matchers=tuple(str(matcher) for matcher in silence.matchers),
                starts_at=silence.starts_at,
                ends_at=silence.ends_at,
                created_by=clean(silence.created_by),
                comment=clean(silence.comment),
            )
            for silence in await self._get(_SILENCES, "/api/v2/silences", query)
        ]

    async def close(self) -> None:
        """Close every connection."""
        await self._api.close()

    async def _get(self, shape: TypeAdapter[T], path: str, query: Sequence[tuple[str, str]] = ()) -> T:
        answer = self._api.read(await self._api.get(path, query))
        try:
            return shape.validate_python(answer)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise WrongSettings(
                f"{self.name} does not speak Alertmanager's API v2 ({where}: {first['msg']}): check its url"
            ) from error
