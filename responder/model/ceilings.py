"""What a deployment lets actions do at most, whatever its playbooks say: ceilings, and guards for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from responder.model.action import ActionWeight, Mode
from responder.model.guard import Limits
from responder.model.window import Window

NEVER = ("kube-system", "kube-public", "kube-node-lease")
"""Namespaces in which nothing is done unless a deployment opens them: what runs there carries the cluster."""
BY_HAND: Mapping[ActionWeight, int] = {"harmless": 1, "ordinary": 1, "destructive": 2, "security": 2}
"""How many people must say yes to what a person asks for, where a deployment does not say."""


@dataclass(frozen=True, slots=True)
class Ceilings:
    """
    The newest words of the deployment; they bind every incident, also one that opened before.

    `namespaces` gives ceilings by namespace (RE2, anchored), `rules` by the full name of a rule. `never` and `only_in`
    are namespaces likewise. `at_most` counts every action but harmless ones; `windows` hold for all of them. What is
    asked for by hand takes, by its weight, as many `approvals` of people with one of the roles of `approvers`.
    """

    namespaces: Mapping[str, Mode] = field(default_factory=dict)
    rules: Mapping[str, Mode] = field(default_factory=dict)
    never: tuple[str, ...] = NEVER
    only_in: tuple[str, ...] = ()
    at_most: Limits = field(default_factory=Limits)
    windows: tuple[Window, ...] = ()
    approvals: Mapping[ActionWeight, int] = field(default_factory=lambda: dict(BY_HAND))
    approvers: Mapping[ActionWeight, tuple[str, ...]] = field(default_factory=dict)
