"""Are the Secrets and ConfigMaps that the workload refers to there, and did one change lately?"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field

from responder.errors import PermanentError
from responder.model.finding import Weight
from responder.model.moment import parse_moment
from responder.model.pod_references import Kind, Reference, references_of
from responder.model.resource import CONFIG_MAPS, SECRETS, Resource
from responder.model.target import Target
from responder.plugins import diagnostic, params
from responder.plugins.params import Duration
from responder.plugins.rights import Verb
from responder.plugins.scope import SCOPE_NEEDS, Scope, scope_of
from responder.plugins.tools import Kubernetes, Tools

Object = Mapping[str, Any]

_RESOURCES: Mapping[Kind, Resource] = {"Secret": SECRETS, "ConfigMap": CONFIG_MAPS}
_AT_MOST = 40
"""Objects looked at; a workload that refers to more is told so."""


class Config(diagnostic.Result):
    """What is missing and what changed: names, never values."""

    exists: bool = Field(True, description="Whether there is a workload that could refer to anything.")
    missing: tuple[str, ...] = Field(description="Objects referred to that are not there, as `secret/db`.")
    missing_keys: tuple[str, ...] = Field(description="Keys referred to that are not there, as `secret/db[url]`.")
    changed: tuple[str, ...] = Field(description="Objects written since `window` before the incident, newest first.")
    unreadable: tuple[str, ...] = Field((), description="Objects that could not be looked at, and why.")
    checked: int = Field(0, description="Objects that were looked at.")
    of: str = Field("", description="What was looked at, as `deployment/api in prod`.")

    def headline(self) -> str:
        """Name what is missing, else what changed."""
        if not self.exists:
            return f"{self.of} has no pod template to look at"[:150]
        parts = [
            (self.missing, "missing: "),
            (self.missing_keys, "missing keys: "),
            (self.changed, "changed lately: "),
        ]
        said = [mark + ", ".join(names) for names, mark in parts if names]
        unread = [f"{len(self.unreadable)} could not be read"] if self.unreadable else []
        return ("; ".join(said + unread) or self._well())[:150]

    def _well(self) -> str:
        if not self.checked:
            return "It refers to no Secret or ConfigMap"
        there = (
            "The one Secret or ConfigMap is" if self.checked == 1 else f"All {self.checked} Secrets and ConfigMaps are"
        )
        return f"{there} there, none new"

    def evidence(self) -> tuple[str, ...]:
        """List each by name."""
        lines = [f"missing: {name}" for name in (*self.missing, *self.missing_keys)]
        lines += [f"changed: {name}" for name in self.changed]
        return tuple(lines + [f"not read: {name}" for name in self.unreadable])[:20]

    def weight(self) -> Weight:
        """A container that misses one cannot start."""
        if self.missing or self.missing_keys:
            return Weight.TROUBLE
        return Weight.NOTABLE if self.changed or self.unreadable else Weight.NORMAL

    def has_data(self) -> bool:
        """Without a template there is nothing to check."""
        return self.exists


@dataclass(frozen=True, slots=True)
class _Seen:
    """One object: `keys` is None where they were not asked for."""

    kind: Kind
    name: str
    there: bool = True
    keys: frozenset[str] | None = None
    written_at: datetime | None = None
    error: str = ""

    def __str__(self) -> str:
        return f"{self.kind.lower()}/{self.name}"


class KubernetesConfig(diagnostic.Diagnostic["KubernetesConfig.Params"]):
    """
    Look for the Secrets and ConfigMaps that the pod template names: gone, without a key, or written lately.

    Only metadata is read, so no value leaves the API server, but where the template names keys: to see whether they
    are there the object must be read; its values are dropped at once and never shown. `keys: false` never does that.
    What the rights do not allow is said, and the rest is looked at.

    Source: the pod template; `PartialObjectMetadata` of each object, its newest `managedFields[].time`.

    Example:

        diagnose:
          config: {kubernetes.config: {window: 2h}}
    """

    name = "kubernetes.config"
    needs = (*SCOPE_NEEDS, Verb("", "secrets", "get"), Verb("", "configmaps", "get"))

    class Params(params.Params):
        """What to look for."""

        window: Duration = Field(timedelta(hours=1), description="How long before the incident a change still counts.")
        keys: bool = Field(True, description="Look for missing keys too, which needs the whole object.")

    Result: ClassVar[type[Config]] = Config

    async def diagnose(self, params: Params, target: Target, tools: Tools) -> Config:
        """Look for each object."""
        scope = await scope_of(target, tools.kubernetes)
        template = _template(scope)
        if template is None:
            return Config(exists=False, missing=(), missing_keys=(), changed=(), of=str(scope.target))
        references = references_of(template)
        names = sorted({(reference.kind, reference.name) for reference in references})
        by_key = {(reference.kind, reference.name) for reference in references if reference.key and params.keys}
        namespace, kubernetes = scope.target.namespace, tools.kubernetes
        seen = await asyncio.gather(
            *(
                _look(kind, name, keys=(kind, name) in by_key, namespace=namespace, kubernetes=kubernetes)
                for kind, name in names[:_AT_MOST]
            )
        )
        since = tools.incident.started_at - params.window
        return _result(seen, references, since, unread=names[_AT_MOST:], of=str(scope.target))


def _template(scope: Scope) -> Object | None:
    """Take the template from the workload, or a pod itself where nothing controls it."""
    if scope.workload is None:
        return scope.pods[0] if scope.pods else None
    if scope.workload["kind"] == "Pod":
        return scope.workload
    spec = scope.workload["spec"]
    if scope.workload["kind"] == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    template: Object | None = spec.get("template")
    return template


async def _look(kind: Kind, name: str, *, keys: bool, namespace: str, kubernetes: Kubernetes) -> _Seen:
    read = kubernetes.get if keys else kubernetes.metadata
    try:
        found = await read(_RESOURCES[kind], namespace, name)
    except PermanentError as error:
        return _Seen(kind, name, error=str(error))
    if found is None:
        return _Seen(kind, name, there=False)
    names = frozenset(found.get("data") or ()) | frozenset(found.get("binaryData") or ())
    return _Seen(kind, name, keys=names if keys else None, written_at=_written_at(found["metadata"]))


def _written_at(metadata: Object) -> datetime | None:
    stamps = [metadata.get("creationTimestamp"), *(f.get("time") for f in metadata.get("managedFields") or ())]
    return max((moment for moment in map(parse_moment, stamps) if moment), default=None)


def _result(
    seen: Sequence[_Seen],
    references: Sequence[Reference],
    since: datetime,
    *,
    unread: Sequence[tuple[Kind, str]],
    of: str,
) -> Config:
    by_name = {(found.kind, found.name): found for found in seen}
    needed = [r for r in references if not r.optional and (r.kind, r.name) in by_name]
    missing = {str(by_name[r.kind, r.name]) for r in needed if not by_name[r.kind, r.name].there}
    keys = {
        f"{found}[{r.key}]"
        for r in needed
        if r.key and (found := by_name[r.kind, r.name]).keys is not None and r.key not in found.keys
    }
    changed = [found for found in seen if found.written_at is not None and found.written_at >= since]
    changed.sort(key=lambda found: found.written_at or since, reverse=True)
    unreadable = [f"{found}: {found.error}"[:200] for found in seen if found.error]
    unreadable += [f"{kind.lower()}/{name}: more than {_AT_MOST} are not looked at" for kind, name in unread]
    return Config(
        missing=tuple(sorted(missing)),
        missing_keys=tuple(sorted(keys)),
        changed=tuple(map(str, changed)),
        unreadable=tuple(unreadable[:20]),
        checked=sum(not found.error for found in seen),
        of=of,
    )
