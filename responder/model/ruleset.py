"""Everything that one load of the rule files yields."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from responder.model.ceilings import Ceilings
from responder.model.escalation import EscalationStep
from responder.model.playbook import Playbook
from responder.model.receiver import Team
from responder.model.rule import Rule
from responder.model.severity import DEFAULT_SCALE, Scale


@dataclass(frozen=True, slots=True)
class RuleSet:
    """
    One consistent set, replaced as a whole by a reload.

    `rules` stand in matching order and end with the built-in rule that takes every alert. `teams` end with `default`.
    `playbooks` are keyed by their full name. `version` is a digest of the files' content. `ceilings` bind all actions.
    """

    version: str
    rules: tuple[Rule, ...]
    playbooks: Mapping[str, Playbook]
    scale: Scale = DEFAULT_SCALE
    teams: tuple[Team, ...] = ()
    escalations: Mapping[str, tuple[EscalationStep, ...]] = field(default_factory=dict)
    ceilings: Ceilings = field(default_factory=Ceilings)
