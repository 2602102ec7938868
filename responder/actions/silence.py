"""Silences alerts in Alertmanager for a while."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from responder.model.action import Change, Outcome, Preview
from responder.model.duration import format_duration
from responder.model.labels import Labels
from responder.model.matcher import Matcher, MatchOp
from responder.model.outside import AmAlert, AmSilence
from responder.model.resource import namespace_of
from responder.model.target import Target
from responder.model.verdict import Json
from responder.plugins.acting import ActionTools
from responder.plugins.action import Action
from responder.plugins.commands import shell
from responder.plugins.params import Duration, Params

_BROAD = frozenset({"severity", "cluster", "env", "environment", "team", "job", "prometheus"})
"""Labels that a large part of all alerts share: they alone silence far more than an incident."""
LabelName = Annotated[str, Field(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$")]


class SilenceParams(Params):
    """What, and how long."""

    matchers: dict[LabelName, Annotated[str, Field(min_length=1)]] = Field(
        min_length=1, description="Labels and the values that they must have."
    )
    duration: Duration = Field(description="How long; it ends by itself.")
    comment: str = Field(min_length=1, max_length=1000, description="Why; the incident is named besides.")


class Silence(Action[SilenceParams]):
    """
    Create a silence with an end. It is expired when the incident resolves.

    Source: `POST /api/v2/silences`.

    Example:

        actions:
          quiet:
            alertmanager.silence:
              matchers: {alertname: "${labels.alertname}", namespace: "${labels.namespace}"}
              duration: 2h
              comment: "Known, being worked on"
            mode: approve
    """

    name = "alertmanager.silence"
    Params = SilenceParams
    once = "named"
    undoable = True
    until_resolved = True
    cost = "nobody is told of these alerts meanwhile; it ends by itself, at the latest with the incident"

    def namespaces(self, params: SilenceParams, target: Target) -> tuple[str, ...]:
        """Return the one whose alerts it silences; without such a matcher it silences those of all."""
        return (params.matchers.get("namespace", ""),)

    def command(self, params: SilenceParams, target: Target) -> tuple[str, ...]:
        """Return `amtool silence add`; the variable stands for Alertmanager's address."""
        duration, comment = format_duration(params.duration), params.comment
        words = shell("silence", "add", f"--duration={duration}", f"--comment={comment}", *_matchers(params))
        return (f'amtool --alertmanager.url="$ALERTMANAGER_URL" {words}',)

    async def preview(self, params: SilenceParams, target: Target, tools: ActionTools) -> Preview:
        """List what it would silence now, and what of that is of another incident."""
        alerts = [one for one in await tools.alertmanager.alerts() if _is(one.labels, params.matchers)]
        others = sum(not _is(one.labels, tools.labels) for one in alerts)
        standing = _standing(params, await tools.alertmanager.silences(), tools)
        return Preview(
            f"silence for {format_duration(params.duration)}: {', '.join(_matchers(params))}",
            changes=(Change("silences", "", "until the incident resolves, or the time is over"),),
            refusal=_refusal(params, standing),
            undo={"silence": ""},
            namespace=params.matchers.get("namespace", namespace_of(target)),
            lock=f"{tools.incident.cluster}/silence/{','.join(sorted(_matchers(params)))}"[:300],
            touches=_names(alerts),
            disruption=f"{_count(len(alerts))} now: nobody is told of them meanwhile, nor of new ones that match",
            warnings=(f"{others} of them {'is' if others == 1 else 'are'} not of this incident",) if others else (),
        )

    async def act(self, params: SilenceParams, target: Target, preview: Preview, tools: ActionTools) -> Outcome:
        """Create it; the attempt stands in its comment, so that a second try finds it."""
        if tools.retry and (made := await _made(tools.attempt, tools)):
            return Outcome("done", f"the silence {made.id} was made by an earlier try", undo={"silence": made.id})
        now = tools.now()
        made_id = await tools.alertmanager.silence(
            _matchers(params),
            starts_at=now,
            ends_at=now + params.duration,
            by=tools.by or "responder",
            comment=f"{params.comment} — {tools.reason} {_mark(tools.attempt)}",
        )
        return Outcome("done", f"made the silence {made_id}", undo={"silence": made_id})

    async def undo(self, params: SilenceParams, target: Target, before: Json, tools: ActionTools) -> Outcome:
        """End it; one that has ended, or was ended by somebody, stays ended."""
        attempt, known = tools.attempt.removesuffix("/undo"), before.get("silence")
        every = await tools.alertmanager.silences()
        ours = [one.id for one in every if one.id == known or one.comment.endswith(_mark(attempt))]
        for each in ours:
            await tools.alertmanager.expire(each)
        return Outcome("done", f"the silence {', '.join(ours)} has ended" if ours else "there is no such silence")


def _matchers(params: SilenceParams) -> tuple[str, ...]:
    return tuple(str(Matcher(name, MatchOp.EQUAL, value)) for name, value in params.matchers.items())


def _is(labels: Labels, wanted: Labels) -> bool:
    return all(labels.get(name) == value for name, value in wanted.items())


def _mark(attempt: str) -> str:
    return f"[{attempt}]"


async def _made(attempt: str, tools: ActionTools) -> AmSilence | None:
    every = await tools.alertmanager.silences()
    return next((one for one in every if one.comment.endswith(_mark(attempt))), None)


def _standing(params: SilenceParams, every: Sequence[AmSilence], tools: ActionTools) -> AmSilence | None:
    """Find a silence of the same alerts that lasts at least as long."""
    wanted, until = set(_matchers(params)), tools.now() + params.duration
    same = (one for one in every if one.state == "active" and set(one.matchers) == wanted)
    return next((one for one in same if one.ends_at >= until), None)


def _refusal(params: SilenceParams, standing: AmSilence | None) -> str:
    if params.matchers.keys() <= _BROAD:
        return f"{', '.join(params.matchers)} alone silences far more than an incident: add alertname or a name"
    if standing is not None:
        return f"{standing.created_by} has silenced them until {standing.ends_at:%Y-%m-%d %H:%M} UTC"
    return ""


def _names(alerts: Sequence[AmAlert]) -> tuple[str, ...]:
    counted = Counter(one.labels.get("alertname", "no name") for one in alerts)
    return tuple(f"{name} × {count}" if count > 1 else name for name, count in counted.most_common(20))


def _count(number: int) -> str:
    return "1 alert" if number == 1 else f"{number} alerts"
