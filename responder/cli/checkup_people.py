"""Those who tell us and whom we tell: Alertmanagers, Slack, mail, pagers; and who may decide about actions."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from responder.cli.checkup import Check, Finding, State, Watch, timed
from responder.cli.checkup_alertmanagers import alertmanager
from responder.cli.checkup_channels import ANYWHERE
from responder.cli.checkup_systems import Surroundings

NEEDED = frozenset({"chat:write", "files:write", "channels:read", "channels:history"})
"""Scopes of the Slack app; without the last two a message whose answer was lost would be posted again."""


def correspondents(around: Surroundings) -> Iterator[Check]:
    """List the checks of everything that messages and deliveries travel over."""
    for index, (endpoint, client) in enumerate(around.clients.alertmanagers):
        what = f"alertmanager/{client.name}"
        yield Check(what, partial(alertmanager, around, what, endpoint, client), f"alertmanagers[{index}]")
    sender, settings = around.clients.sender_tools, around.settings
    if sender.workspace is not None:
        yield Check("slack", partial(_slack, around, sender.workspace), "slack.bot_token")
    if sender.mailer is not None:
        yield Check("mail", partial(_mail, sender.mailer), "mail")
    for kind, urls in (
        ("slack.webhooks", {name: one.url.get_secret_value() for name, one in settings.slack.webhooks.items()}),
        ("pagerduty.services", dict.fromkeys(settings.pagerduty.services, settings.pagerduty.base_url)),
        ("outgoing", {name: one.url.get_secret_value() for name, one in settings.outgoing.items()}),
    ):
        for name, url in urls.items():
            yield Check(f"{kind}/{name}", partial(_reached, around, f"{kind}/{name}", url), f"{kind}.{name}")


async def _slack(around: Surroundings, workspace: Any) -> Sequence[Finding]:
    watch = Watch.start(around.now)
    standing = await workspace.standing()
    off = watch.off(standing.date)
    found = Finding("slack", State.OK, standing.who)
    reinstall = "under OAuth & Permissions, and install the app again"
    lacking = sorted(NEEDED - standing.scopes) if standing.scopes is not None else []
    if standing.scopes is None:
        found = Finding("slack", State.OK, f"{standing.who}; Slack did not say with which scopes")
    elif lacking:
        detail = f"{standing.who}; the app lacks the scopes {', '.join(lacking)}"
        found = Finding("slack", State.FAILED, detail, f"add {', '.join(lacking)} {reinstall}")
    elif ANYWHERE not in standing.scopes:
        detail = f"{standing.who}; without {ANYWHERE} it writes only where it was invited"
        found = Finding("slack", State.WARNING, detail, f"add {ANYWHERE} {reinstall}; or /invite it to each channel")
    return (timed(found, off),)


async def _mail(mailer: Any) -> Sequence[Finding]:
    await mailer.check()
    return (Finding("mail", State.OK, "lets us in; nothing was sent"),)


async def _reached(around: Surroundings, what: str, url: str) -> Sequence[Finding]:
    """Ask the host, without the path that is the secret, and without telling anybody anything."""
    parts = urlsplit(url)
    watch = Watch.start(around.now)
    answer = await around.clients.sender_tools.http.request(
        "GET", f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/", limit_bytes=1000, redirects=False
    )
    off = watch.off(answer.headers.get("Date"))
    said = f"{parts.hostname} is reached; not tried further, as that would tell somebody"
    return (timed(Finding(what, State.OK, said), off),)
