"""Where the receivers of the rules are: the rules name them, the settings keep their addresses and secrets."""

from collections.abc import Mapping

from responder.errors import NotConfigured
from responder.model.outside import Destination
from responder.settings.sections import OutgoingWebhook, PagerDuty, SlackAccess


class Destinations:
    """Every address and secret by kind of receiver and name."""

    def __init__(self, *, slack: SlackAccess, pagerduty: PagerDuty, outgoing: Mapping[str, OutgoingWebhook]) -> None:
        base = pagerduty.base_url.rstrip("/")
        self._places = {
            "pagerduty": "pagerduty.services",
            "slack_webhook": "slack.webhooks",
            "webhook": "outgoing",
        }
        self._known: dict[str, dict[str, Destination]] = {
            "pagerduty": {
                name: Destination(base, service.routing_key.get_secret_value())
                for name, service in pagerduty.services.items()
            },
            "slack_webhook": {name: Destination(hook.url.get_secret_value()) for name, hook in slack.webhooks.items()},
            "webhook": {
                name: Destination(hook.url.get_secret_value(), hook.signing_key.get_secret_value())
                for name, hook in outgoing.items()
            },
        }

    def find(self, kind: str, name: str) -> Destination:
        """Look one up. Raises NotConfigured, listing the names there are."""
        names = self._known.get(kind, {})
        if name not in names:
            listed = ", ".join(sorted(names)) or "none"
            raise NotConfigured(f"{self._places.get(kind, kind)}.{name} is not in the settings; there are: {listed}")
        return names[name]
