"""Whether each right that the rules need at the Kubernetes API is there, asked of the API server itself."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from itertools import groupby
from typing import Any

from responder.cli.checkup import Check, Finding, State, failed
from responder.cli.checkup_systems import Surroundings, setting_of
from responder.errors import CallError
from responder.model.resource import Resource
from responder.model.ruleset import RuleSet
from responder.plugins.registry import Registry
from responder.rules.rights import Bounds, Right, rights
from responder.settings.sections import KubernetesAccess

_AT_ONCE = 8
_DEADLINE = timedelta(seconds=60)
"""For all rights of one login: a hundred questions, eight at a time."""
_WISHES_SHOWN = 3


def granted(around: Surroundings, ruleset: RuleSet | None, registry: Registry) -> Iterator[Check]:
    """List the checks of the rights; `ruleset` is None where the rules do not load."""
    settings = around.settings
    several = len(settings.every_cluster) > 1
    for name, cluster in settings.every_cluster.items():
        if cluster.kubernetes is None:
            continue
        if ruleset is None:
            yield Check(f"rights/{name}", partial(_skipped, f"rights/{name}", "the rules do not load"))
            continue
        labels = {settings.cluster_label: name} if several else {}
        needed = rights(ruleset, registry, Bounds(automation=settings.automation.mode, labels=labels))
        setting = setting_of(name, "kubernetes")
        for component, access, own in (
            ("reader", cluster.kubernetes, needed.reader),
            ("actor", cluster.kubernetes.acting, needed.actor),
        ):
            what = f"rights/{name}/{component}"
            if own:
                yield Check(what, partial(_ask, around, what, access, own, setting), setting, _DEADLINE)
        if not needed.actor and not around.acts:
            why = f"automation is {settings.automation.mode}: nothing is done, so nothing is needed"
            yield Check(f"rights/{name}/actor", partial(_skipped, f"rights/{name}/actor", why))


async def _skipped(what: str, why: str) -> Sequence[Finding]:
    return (Finding(what, State.SKIPPED, why),)


async def _ask(
    around: Surroundings, what: str, access: KubernetesAccess, needed: Sequence[Right], setting: str
) -> Sequence[Finding]:
    writer = around.load("kubernetes_writing", "KubernetesWriter")(access)
    room = asyncio.Semaphore(_AT_ONCE)
    try:
        first = await _may(writer, needed[0], room)  # who is not let in is told so once
        rest = await asyncio.gather(*(_may(writer, right, room) for right in needed[1:]), return_exceptions=True)
        answers = [first, *(_answered(each) for each in rest)]
    except CallError as error:
        return (failed(what, error, setting),)
    finally:
        await writer.close()
    missing = [_lacking(what, right, why) for right, why in zip(needed, answers, strict=True) if why]
    if len(missing) == len(needed):
        detail = f"none of the {len(needed)} rights that the rules need"
        return (Finding(what, State.FAILED, detail, "responder rbac | kubectl apply -f -"),)
    held = [right for right, why in zip(needed, answers, strict=True) if not why]
    return (*_counted(what, held), *missing)


async def _may(writer: Any, right: Right, room: asyncio.Semaphore) -> str:
    plural, _, below = right.verb.resource.partition("/")
    resource = Resource(right.verb.group, "", plural)
    async with room:
        return str(await writer.may(right.verb.verb, resource, right.namespace, subresource=below))


def _answered(answer: str | BaseException) -> str:
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _lacking(what: str, right: Right, why: str) -> Finding:
    wanted = sorted({f"{wish.plugin} of {wish.playbook}" if wish.playbook else wish.plugin for wish in right.wishes})
    more = f" and {len(wanted) - _WISHES_SHOWN} more" if len(wanted) > _WISHES_SHOWN else ""
    detail = f"lacks `{right}`, for {', '.join(wanted[:_WISHES_SHOWN])}{more}: {why}"
    return Finding(what, State.FAILED, detail, "responder rbac | kubectl apply -f -")


def _counted(what: str, held: Sequence[Right]) -> Iterator[Finding]:
    for namespace, own in groupby(held, key=lambda right: right.namespace):
        number = sum(1 for _ in own)
        where = f"in {namespace}" if namespace else "in the whole cluster"
        yield Finding(what, State.OK, f"{number} {'right' if number == 1 else 'rights'} {where}")
