"""Slack by incoming webhook: at most three posts, since it can neither edit nor upload."""

from pydantic import Field

from responder.model.answers import error_of
from responder.model.verdict import Json
from responder.plugins import params
from responder.plugins.fields import SourceName
from responder.plugins.notifier import Notifier, Outgoing
from responder.plugins.tools import NotifierTools


class SlackWebhook(Notifier["SlackWebhook.Params"]):
    """
    Tell a Slack channel through an incoming webhook: when an incident opens, when it has been diagnosed, when it is
    over. A bot token (`slack`) gives one message that is edited instead; prefer it where you may have one.

    The address is a secret, so the settings hold it: `slack.webhooks.NAME.url`, or `url_file`.

    Source: docs.slack.dev, "Sending messages using incoming webhooks".

    Example:

        incidents: {slack_webhook: {to: incidents}}
    """

    name = "slack_webhook"
    edits = False

    class Params(params.Params):
        """What a receiver's entry takes."""

        to: SourceName = Field(description="Name of the webhook in `slack.webhooks` of the settings.")

    async def notify(self, params: Params, outgoing: Outgoing, tools: NotifierTools) -> Json:
        """Post a message; what an earlier try may have posted cannot be found again."""
        place = tools.destination(self.name, params.to)
        answer = await tools.http.request(
            "POST",
            place.url,
            headers={"Content-Type": "application/json; charset=utf-8"},
            body=tools.render(outgoing.message, "slack").encode(),
        )
        asked = f"the incoming webhook {params.to} of Slack"
        error = error_of(answer.status, asked=asked, said=answer.body.decode(errors="replace"), headers=answer.headers)
        if error is not None:
            raise error
        return {"sent": outgoing.key}
