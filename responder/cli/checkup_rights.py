"""Whether each right that the rules need at the Kubernetes API is there, asked of the API server itself."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from itertools import groupby
from typing import Any

from responder.cli.checkup import Check, Finding, State
from responder.cli.checkup_systems import Surroundings, setting_of
from responder.errors import CallError
from responder.model.labels import Labels
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
                yield Check(what, partial(_ask, around, what, access, own), setting, _DEADLINE)
        if around.acts:
            what = f"rights/{name}/by hand"
            look = partial(
                _by_hand, around, what, cluster.kubernetes.acting, _manual(ruleset, registry, around, labels)
            )
            yield Check(what, look, setting, _DEADLINE)
        if not needed.actor and not around.acts:
            why = f"automation is {settings.automation.mode}: nothing is done, so nothing is needed"
            yield Check(f"rights/{name}/actor", partial(_skipped, f"rights/{name}/actor", why))


def _manual(
    ruleset: RuleSet, registry: Registry, around: Surroundings, labels: Labels
) -> Mapping[str, Sequence[Right]]:
    """Return what each action takes that people may ask for by hand; those that take no right are left out."""
    found: dict[str, Sequence[Right]] = {}
    for name in sorted(name for name, plugin in registry.actions.items() if plugin.by_hand and plugin.needs):
        bounds = Bounds(automation=around.settings.automation.mode, labels=labels, manual=(name,))
        found[name] = [
            right for right in rights(ruleset, registry, bounds).actor if any(w.by_hand for w in right.wishes)
        ]
    return {name: own for name, own in found.items() if own}


async def _by_hand(
    around: Surroundings, what: str, access: KubernetesAccess, wanted: Mapping[str, Sequence[Right]]
) -> Sequence[Finding]:
    """Tell which actions people cannot ask for: no rule needs their rights, so that is no fault."""
    needed = tuple(dict.fromkeys(right for own in wanted.values() for right in own))
    if not needed:
        return (Finding(what, State.SKIPPED, "no action may be asked for by hand where the rules act"),)
    try:
        refused = dict(zip(needed, await _answers(around, access, needed), strict=True))
    except CallError:
        return (Finding(what, State.SKIPPED, "the API server could not be asked"),)
    lacking = [name for name, own in sorted(wanted.items()) if any(refused[right] for right in own)]
    if not lacking:
        return (Finding(what, State.OK, f"the rights carry all {len(wanted)} actions that people may ask for"),)
    detail = f"the rights carry {len(wanted) - len(lacking)} of {len(wanted)} actions; not {', '.join(lacking)}"
    cure = f"if people shall ask for them: responder rbac --manual {' --manual '.join(lacking)} | kubectl apply -f -"
    return (Finding(what, State.OK, detail, cure),)


async def _skipped(what: str, why: str) -> Sequence[Finding]:
    return (Finding(what, State.SKIPPED, why),)


async def _ask(around: Surroundings, what: str, access: KubernetesAccess, needed: Sequence[Right]) -> Sequence[Finding]:
    answers = await _answers(around, access, needed)
    missing = [_lacking(what, right, why) for right, why in zip(needed, answers, strict=True) if why]
    if len(missing) == len(needed):
        detail = f"none of the {len(needed)} rights that the rules need"
        return (Finding(what, State.FAILED, detail, "responder rbac | kubectl apply -f -"),)
    held = [right for right, why in zip(needed, answers, strict=True) if not why]
    return (*_counted(what, held), *missing)


async def _answers(around: Surroundings, access: KubernetesAccess, needed: Sequence[Right]) -> list[str]:
    """Ask for each right: "" where it is there, else why not. Raises: CallError."""
    writer = around.load("kubernetes_writing", "KubernetesWriter")(access)
    room = asyncio.Semaphore(_AT_ONCE)
    try:
        first = await _may(writer, needed[0], room)  # who is not let in is told so once
        rest = await asyncio.gather(*(_may(writer, right, room) for right in needed[1:]), return_exceptions=True)
        return [first, *(_answered(each) for each in rest)]
    finally:
        await writer.close()


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
