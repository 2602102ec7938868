"""What a deployment lets actions do at most, whatever its playbooks say: ceilings, and guards for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from responder.model.action import Mode
from responder.model.guard import Limits
from responder.model.window import Window

NEVER = ("kube-system", "kube-public", "kube-node-lease")
"""Namespaces in which nothing is done where a deployment does not say: what runs there carries the cluster."""


@dataclass(frozen=True, slots=True)
class Ceilings:
    """
    The newest words of the deployment; they bind every incident, also one that opened before.

    `namespaces` gives ceilings by namespace (RE2, anchored), `rules` by the full name of a rule. `never` and `only_in`
    are namespaces likewise. `at_most` counts every action but harmless ones; `windows` hold for all of them.
    """

    namespaces: Mapping[str, Mode] = field(default_factory=dict)
    rules: Mapping[str, Mode] = field(default_factory=dict)
    never: tuple[str, ...] = NEVER
    only_in: tuple[str, ...] = ()
    at_most: Limits = field(default_factory=Limits)
    windows: tuple[Window, ...] = ()
