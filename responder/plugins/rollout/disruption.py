"""What replacing the pods of a workload costs: how many are missing at a time, and which budgets speak of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from responder.errors import PermanentError
from responder.model.resource import DISRUPTION_BUDGETS
from responder.plugins.acting import Cluster
from responder.plugins.rollout.workload import Workload

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Disruption:
    """
    What a roll-out disturbs.

    `pods` are replaced in all; `say` tells the pace: "one at a time (maxUnavailable 25% of 4 = 1, maxSurge 25% of 4 =
    1)". `at_once` are those that may be missing at the same time.
    """

    pods: int
    say: str
    at_once: int = 0


@dataclass(frozen=True, slots=True)
class Budgets:
    """The PodDisruptionBudgets that select the pods, and what is to be minded about them."""

    say: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def disruption_of(workload: Workload) -> Disruption:
    """Say what a roll-out of this workload disturbs, by its own strategy."""
    if workload.replicas == 0:
        return Disruption(0, "none: no pods are wanted")
    match workload.kind:
        case "Deployment":
            return _of_deployment(workload)
        case "StatefulSet":
            return _of_stateful_set(workload)
        case _:
            return _of_daemon_set(workload)


def waits_for_deletion(workload: Workload) -> bool:
    """Whether its pods take up a new template only when somebody deletes them (updateStrategy OnDelete)."""
    return (workload.spec.get("updateStrategy") or {}).get("type") == "OnDelete"


def _of_deployment(workload: Workload) -> Disruption:
    strategy, total = workload.spec.get("strategy") or {}, workload.replicas
    if strategy.get("type") == "Recreate":
        return Disruption(total, f"all {total} at once, none serves until the new ones do (Recreate)", total)
    rolling = strategy.get("rollingUpdate") or {}
    missing, said = _share("maxUnavailable", rolling.get("maxUnavailable", "25%"), total, up=False)
    more, also = _share("maxSurge", rolling.get("maxSurge", "25%"), total, up=True)
    if missing == more == 0:
        missing = 1  # The controller goes on with one, else nothing would ever move.
    return Disruption(total, f"{_pace(missing, total)} ({said}, {also})", min(missing, total))


def _of_stateful_set(workload: Workload) -> Disruption:
    if waits_for_deletion(workload):
        return _on_deletion()
    rolling = (workload.spec.get("updateStrategy") or {}).get("rollingUpdate") or {}
    partition, total = int(rolling.get("partition") or 0), workload.replicas
    first = int((workload.spec.get("ordinals") or {}).get("start") or 0)
    pods = max(0, total - partition) if partition >= first else total
    if pods == 0:
        return Disruption(0, f"none: partition {partition} keeps all {total} as they are")
    missing, said = _share("maxUnavailable", rolling.get("maxUnavailable", 1), total, up=False)
    order = f"{workload.name}-{first + total - 1} first"
    kept = f", partition {partition} keeps {total - pods} as they are" if partition else ""
    pace = _pace(max(1, missing), total)
    shown = f", {said}" if "maxUnavailable" in rolling else ""
    return Disruption(pods, f"{pace} ({order}{shown}{kept})", min(max(1, missing), total))


def _of_daemon_set(workload: Workload) -> Disruption:
    if waits_for_deletion(workload):
        return _on_deletion()
    rolling, total = (workload.spec.get("updateStrategy") or {}).get("rollingUpdate") or {}, workload.replicas
    more, also = _share("maxSurge", rolling.get("maxSurge", 0), total, up=True)
    missing, said = _share("maxUnavailable", rolling.get("maxUnavailable", 0 if more else 1), total, up=True)
    missing = missing if more else max(1, missing)
    pace = _pace(missing, total)
    return Disruption(total, f"{pace} ({said}, {also})" if more else f"{pace} ({said})", min(missing, total))


def _on_deletion() -> Disruption:
    return Disruption(0, "none by itself: its pods take it up when they are deleted (updateStrategy OnDelete)")


def _pace(missing: int, total: int) -> str:
    if missing <= 0:
        return "none missing at any time: new ones first"
    if missing >= total:
        return "all at once" if total > 1 else "the only pod is missing meanwhile"
    return "one at a time" if missing == 1 else f"up to {missing} at a time"


def _share(name: str, value: Any, total: int, *, up: bool) -> tuple[int, str]:
    """Work out an amount or a percentage as the controllers do."""
    text = str(value)
    if not text.endswith("%"):
        return int(value or 0), f"{name} {text}"
    part = int(text[:-1] or 0) * total
    amount = math.ceil(part / 100) if up else part // 100
    return amount, f"{name} {text} of {total} = {amount}"


async def budgets_of(workload: Workload, cluster: Cluster) -> Budgets:
    """List the budgets that select the workload's pods; a cluster that does not let us look is a warning."""
    try:
        found = await cluster.list(DISRUPTION_BUDGETS, workload.namespace)
    except PermanentError as error:
        return Budgets(warnings=(f"PodDisruptionBudgets could not be read: {error}",))
    labels = (workload.template.get("metadata") or {}).get("labels") or {}
    ours = [budget for budget in found if selects(budget["spec"].get("selector"), labels)]
    tight = [str(budget["metadata"]["name"]) for budget in ours if not _allowed(budget)]
    warning = f"PodDisruptionBudget {', '.join(tight)} lets no pod go now, and a roll-out does not ask it"
    return Budgets(tuple(map(_say, ours))[:10], (warning,) if tight else ())


def _say(budget: Object) -> str:
    spec = budget["spec"]
    rule = ", ".join(f"{name} {spec[name]}" for name in ("minAvailable", "maxUnavailable") if name in spec)
    return f"{budget['metadata']['name']}: {rule}; {_allowed(budget)} may go now"


def _allowed(budget: Object) -> int:
    return int((budget.get("status") or {}).get("disruptionsAllowed") or 0)


def selects(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """Whether a selector of `policy/v1` matches labels: an empty one matches all, none matches nothing."""
    if selector is None:
        return False
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _meets(term, labels) for term in selector.get("matchExpressions") or ()
    )


def _meets(term: Object, labels: Mapping[str, str]) -> bool:
    key, values = term.get("key", ""), term.get("values") or ()
    match term.get("operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels


def pod_names(pods: Sequence[Object], limit: int = 20) -> tuple[str, ...]:
    """Name pods, at most `limit`, and say how many more there are."""
    names = [str(pod["metadata"]["name"]) for pod in pods]
    more = (f"and {len(names) - limit} more",) if len(names) > limit else ()
    return (*names[:limit], *more)
