"""What notifiers are handed in tests: the real clients, pointed at servers on loopback."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from responder.clients.charts import Charts
from responder.clients.destinations import Destinations
from responder.clients.http import Http
from responder.clients.mail import Mail
from responder.clients.render import renderer
from responder.clients.slack.client import SlackClient
from responder.clients.slack.web_api import Time
from responder.clients.toolbox import SenderTools
from responder.settings.sections import (
    IncomingWebhook,
    MailServer,
    OutgoingWebhook,
    PagerDuty,
    PagerDutyService,
    SlackAccess,
)

ROUTING_KEY = "R0UT1NGKEY0123456789abcdef012345"
SIGNING_KEY = "a-long-signing-key"


@dataclass
class World:
    """One notifier's surroundings: seconds pass only while somebody sleeps; `printed` is the console."""

    slack_token: str = ""
    slack_url: str = ""
    webhooks: Mapping[str, str] = field(default_factory=dict)
    outgoing: Mapping[str, str] = field(default_factory=dict)
    pagerduty_url: str = "http://127.0.0.1:9"
    mail: MailServer | None = None
    seconds: float = 1000.0
    printed: list[str] = field(default_factory=list)
    _clients: list[SlackClient | Http | Charts] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime(2026, 11, 21, 14, 0, tzinfo=UTC) + timedelta(seconds=self.seconds - 1000)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def tools(self) -> SenderTools:
        """Build the clients anew, as a process that has just started does."""
        time = Time(clock=lambda: self.seconds, sleep=self.sleep)
        slack = SlackClient(token=self.slack_token, base_url=self.slack_url, time=time) if self.slack_url else None
        http, charts = Http(), Charts()
        self._clients += [http, charts, *([slack] if slack else [])]
        return SenderTools(
            now=self.now,
            workspace=slack,
            http=http,
            charts=charts,
            destinations=self.destinations(),
            render=renderer("Europe/Berlin", terminal=True),
            print=self.printed.append,
            mailer=Mail(self.mail) if self.mail else None,
        )

    def destinations(self) -> Destinations:
        return Destinations(
            slack=SlackAccess(webhooks={n: IncomingWebhook(url=SecretStr(url)) for n, url in self.webhooks.items()}),
            pagerduty=PagerDuty(
                base_url=self.pagerduty_url, services={"platform": PagerDutyService(routing_key=SecretStr(ROUTING_KEY))}
            ),
            outgoing={
                name: OutgoingWebhook(url=SecretStr(url), signing_key=SecretStr(SIGNING_KEY))
                for name, url in self.outgoing.items()
            },
        )

    async def close(self) -> None:
        for client in self._clients:
            await client.close()
