"""
Playbooks: machine steps, as the rules were checked and typed.

Expressions are CEL source without `${}`; templates are text with `${}`. Both compile: the loader has tried them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from responder.model.origin import BUILT_IN, Origin
from responder.model.verdict import Json


@dataclass(frozen=True, slots=True)
class TargetTemplate:
    """A target that the playbook names itself; each field is a template, "" where the labels shall say."""

    kind: str
    name: str
    namespace: str = ""
    container: str = ""


@dataclass(frozen=True, slots=True)
class DiagnosticStep:
    """
    One reading step.

    `params` is what the plugin's `Params` takes, with templates still in it. `reads` names the steps whose results
    `when`, `params` and `target` use: it starts when they are there. `deadline` None takes the plugin's own.
    """

    name: str
    plugin: str
    params: Mapping[str, Json] = field(default_factory=dict)
    when: str = ""
    reads: tuple[str, ...] = ()
    deadline: timedelta | None = None
    only: Literal["", "verify"] = ""
    target: TargetTemplate | None = None
    origin: Origin = BUILT_IN


@dataclass(frozen=True, slots=True)
class Conclusion:
    """
    One "if this, say that".

    `when` "" always holds. `cause` "" names none; `severity` "" raises nothing. `reads` as in a diagnostic step.
    """

    name: str
    say: str
    when: str = ""
    cause: str = ""
    severity: str = ""
    propose: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    origin: Origin = BUILT_IN


@dataclass(frozen=True, slots=True)
class ActionStep:
    """
    One writing step, or with `do` a sequence of others.

    `plugin` is "" for a sequence. `mode` is its own ceiling. `guard`, `verify` and `inputs` are checked for their form
    and carried as written, for the part that runs actions.
    """

    name: str
    plugin: str = ""
    params: Mapping[str, Json] = field(default_factory=dict)
    do: tuple[str, ...] = ()
    mode: Literal["suggest", "approve", "auto"] = "suggest"
    offer: Literal["", "always"] = ""
    target: TargetTemplate | None = None
    temporary: timedelta | None = None
    guard: Mapping[str, Json] = field(default_factory=dict)
    verify: Mapping[str, Json] = field(default_factory=dict)
    inputs: Mapping[str, Json] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    origin: Origin = BUILT_IN


@dataclass(frozen=True, slots=True)
class HumanStep:
    """What a person still has to do. `say` is a template; `action` and `template` name what a button would start."""

    say: str
    action: str = ""
    template: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checklist that says when the incident is over."""

    name: str
    when: str
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Playbook:
    """
    A playbook, whole and self-contained: it can be stored with an incident and used without its files.

    `name` is "pack/playbook". `title` "" takes the alert's summary. `target` None derives it from the labels. `files`
    are those of its pack that its actions name, by their path within the pack.
    """

    name: str
    vars: Mapping[str, Json] = field(default_factory=dict)
    title: str = ""
    runbook: str = ""
    target: TargetTemplate | None = None
    diagnostics: tuple[DiagnosticStep, ...] = ()
    conclusions: tuple[Conclusion, ...] = ()
    actions: tuple[ActionStep, ...] = ()
    steps: tuple[HumanStep, ...] = ()
    resolved_when: tuple[Check, ...] = ()
    forbid: tuple[str, ...] = ()
    confidential: bool = False
    notify_only: tuple[str, ...] = ()
    refresh: timedelta | None = timedelta(minutes=10)
    files: Mapping[str, str] = field(default_factory=dict)
    origin: Origin = BUILT_IN
