"""The Kubernetes rights that a step needs, for the generated RBAC."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb on one resource: `group` "" is the core group; `resource` may name a subresource, as in `pods/log`."""

    group: str
    resource: str
    verb: str


def workload_verbs(*verbs: str) -> tuple[Verb, ...]:
    """Return the verbs on everything that rolls out: Deployments, StatefulSets and DaemonSets."""
    kinds = ("deployments", "statefulsets", "daemonsets")
    return tuple(Verb("apps", kind, verb) for kind in kinds for verb in verbs)
