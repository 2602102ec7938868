"""Named destinations, and the teams that own them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from responder.model.matcher import Matcher
from responder.model.origin import BUILT_IN, Origin
from responder.model.verdict import Json


@dataclass(frozen=True, slots=True)
class Receiver:
    """A destination as the rules name it: `name` is "team/role"; `params` is checked by the notifier's `Params`."""

    name: str
    notifier: str
    params: Mapping[str, Json] = field(default_factory=dict)
    origin: Origin = field(default=BUILT_IN, compare=False)


@dataclass(frozen=True, slots=True)
class Team:
    """
    Who owns an alert: matched by labels, or by the namespaces (RE2, anchored). The team `default` matches all.

    The actions of its `packs`, by name, may act only in its namespaces.
    """

    name: str
    match: tuple[Matcher, ...] = ()
    namespaces: tuple[str, ...] = ()
    receivers: Mapping[str, Receiver] = field(default_factory=dict)
    packs: tuple[str, ...] = ()
