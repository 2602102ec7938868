"""Whether the bot is in each Slack channel that the rules name: only there it surely writes, and finds it again."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from responder.cli.checkup import Check, Finding, State
from responder.cli.checkup_systems import Surroundings
from responder.errors import PermanentError
from responder.model.ruleset import RuleSet

ANYWHERE = "chat:write.public"
PRIVATE = "groups:read"
_SLACK = "slack"


def channels(around: Surroundings, ruleset: RuleSet) -> Iterator[Check]:
    """List the check of the channels that receivers name, where there is a workspace."""
    workspace, named = around.clients.sender_tools.workspace, _named(ruleset)
    if workspace is not None and named:
        yield Check("slack channels", partial(_channels, workspace, named), "slack.bot_token")


def _named(ruleset: RuleSet) -> dict[str, list[str]]:
    """Return the names of the receivers by their channels."""
    found: dict[str, list[str]] = {}
    for team in ruleset.teams:
        for receiver in team.receivers.values():
            if receiver.notifier == _SLACK:
                found.setdefault(str(receiver.params.get("channel", "")), []).append(receiver.name)
    return found


async def _channels(workspace: Any, named: Mapping[str, Sequence[str]]) -> Sequence[Finding]:
    try:
        standing, inside = await workspace.standing(), await workspace.memberships()
        elsewhere = [channel for channel in named if _bare(channel) not in inside]
        anywhere = bool(elsewhere) and standing.scopes is not None and ANYWHERE in standing.scopes
        public = await workspace.public_channels() if anywhere else frozenset()
    except PermanentError as error:
        return (Finding("slack channels", State.SKIPPED, f"could not be listed: {error}", "see the line `slack`"),)
    blind = standing.scopes is not None and PRIVATE not in standing.scopes
    return [_channel(channel, receivers, inside, public, blind=blind) for channel, receivers in sorted(named.items())]


def _channel(
    channel: str, receivers: Sequence[str], inside: frozenset[str], public: frozenset[str], *, blind: bool
) -> Finding:
    what, whose = f"slack/{channel}", f"for {', '.join(receivers)}"
    if _bare(channel) in inside:
        return Finding(what, State.OK, f"the bot is in it, {whose}")
    if _bare(channel) in public:
        detail = f"the bot is not in it, {whose}: it may write there, and cannot find what it wrote before a crash"
        return Finding(what, State.WARNING, detail, f"/invite the bot to {channel}")
    if blind:
        detail = f"no public channel of that name has the bot in it, {whose}; a private one cannot be seen"
        cure = f"/invite the bot to {channel}, or correct its name; private ones take the scope {PRIVATE}"
        return Finding(what, State.WARNING, detail, cure)
    detail = f"the bot is not in it, or there is no such channel, {whose}: nothing can be written there"
    return Finding(what, State.FAILED, detail, f"/invite the bot to {channel}, or correct the name in the receiver")


def _bare(channel: str) -> str:
    return channel.removeprefix("#")
