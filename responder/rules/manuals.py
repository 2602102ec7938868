"""The manuals of plugins: what each does, takes, yields and needs, out of its own class."""

import inspect
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from responder.model.action import HEAVY
from responder.model.ceilings import BY_HAND
from responder.model.duration import format_duration
from responder.plugins.action import Action
from responder.plugins.diagnostic import Diagnostic
from responder.plugins.notifier import Notifier
from responder.plugins.registry import Registry
from responder.plugins.rights import Verb

Plugin = Diagnostic[Any] | Action[Any] | Notifier[Any]

_WORDS = {
    str: "text",
    int: "int",
    float: "number",
    bool: "bool",
    timedelta: "duration",
    datetime: "time",
    type(None): "nothing",
}

_ONCE = {
    "conditional": "Done once: it is written on the condition that nothing has changed since, and read back.",
    "named": "Done once: what it makes has a name of its own, by which it is found again.",
    "repeatable": "Done twice it is the same as done once.",
    "doubtful": "After a crash nobody can tell whether it was done: then it is in doubt, and a person says.",
}
BEGIN = "<!-- actions: `responder explain --actions --markdown` writes this table -->"
END = "<!-- end of actions -->"


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of what a plugin takes or yields; `depth` counts the models around it."""

    name: str
    type: str
    default: str
    about: str
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Manual:
    """Everything there is to say about a plugin."""

    name: str
    kind: str
    text: str
    params: tuple[Entry, ...]
    result: tuple[Entry, ...] = ()
    needs: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


def find(registry: Registry, name: str) -> Plugin | None:
    """Find a plugin of any kind by its name."""
    return registry.diagnostics.get(name) or registry.actions.get(name) or registry.notifiers.get(name)


def manual(plugin: Plugin) -> Manual:
    """Write the manual of a plugin."""
    return Manual(
        name=plugin.name,
        kind=next(k.__name__.lower() for k in (Diagnostic, Action, Notifier) if isinstance(plugin, k)),
        text=inspect.cleandoc(type(plugin).__doc__ or ""),
        params=tuple(entries(plugin.Params)),
        result=tuple(entries(plugin.Result)) if isinstance(plugin, Diagnostic) else (),
        needs=tuple(_needs(plugin)),
        facts=tuple(_facts(plugin)),
    )


def _needs(plugin: Plugin) -> Iterator[str]:
    if isinstance(plugin, Notifier):
        return
    yield from map(_right, plugin.needs)
    if isinstance(plugin, Diagnostic):
        for param, verbs in plugin.needs_with.items():
            yield from (f"{_right(verb)}, with `{param}`" for verb in verbs)


def _right(verb: Verb) -> str:
    return f"{verb.verb} {verb.resource}{f'.{verb.group}' if verb.group else ''}"


def _facts(plugin: Plugin) -> Sequence[str]:
    if isinstance(plugin, Diagnostic):
        return (f"At most {format_duration(plugin.deadline)}.",)
    if isinstance(plugin, Action):
        return tuple(_acting(plugin))
    said = "Edits what it sent." if plugin.edits else "Cannot edit what it sent: tells at most three times."
    return ("Wakes people.",) if plugin.pages else (said,)


def _acting(plugin: Action[Any]) -> Iterator[str]:
    if plugin.kinds:
        yield f"Acts on: {', '.join(sorted(plugin.kinds))}."
    yield _ONCE[plugin.once]
    yield f"{weight(plugin).capitalize()}{f': {plugin.cost}' if plugin.cost else ''}."
    light = f", unless it is {plugin.lightest}" if _varies(plugin) else ""
    if plugin.weight in HEAVY:
        yield f"Evidence must have been kept in the incident before{light}: `guard: {{evidence: [...]}}`."
    lasts = "; it is when the incident resolves" if plugin.until_resolved else ""
    yield f"Can be undone{lasts}." if plugin.undoable else "Cannot be undone."
    if not plugin.by_hand:
        yield "Nobody can ask for it with parameters of their own: a playbook offers it, or people name the playbook's."
    people = "1 person" if plugin.approvals == 1 else f"{plugin.approvals} people"
    yield f"Needs the yes of {people} where the rules do not say how many."
    if plugin.by_hand and plugin.weight in HEAVY:
        others = f"{max(plugin.approvals, BY_HAND[plugin.weight])} others{light}"
        yield f"By hand it takes {others}, where the deployment's `guard: {{by_hand: ...}}` does not say."
    yield f"At most {format_duration(plugin.deadline)} for one look or one effect."


def weight(plugin: Action[Any]) -> str:
    """Say what an action may cost in a word or three: some parameters may cost less."""
    return f"{plugin.weight}, or {plugin.lightest}" if _varies(plugin) else plugin.weight


def _varies(plugin: Action[Any]) -> bool:
    return type(plugin).weight_of is not Action.weight_of


def actions_markdown(registry: Registry) -> str:
    """Write as Markdown what every action may cost, and why, between two marks; README's table is this one."""
    lines = [BEGIN, "", "| action | weight | why |", "|---|---|---|"]
    found = sorted(registry.actions.values(), key=lambda each: each.name)
    lines += [f"| `{each.name}` | {weight(each)} | {each.cost} |" for each in found]
    return "\n".join([*lines, "", END])


def entries(model: type[BaseModel], depth: int = 0, within: tuple[type[BaseModel], ...] = ()) -> list[Entry]:
    """List the fields of a model, those of models in it right below."""
    found: list[Entry] = []
    for name, field in model.model_fields.items():
        shown = field.alias or name
        found.append(Entry(shown, type_name(field.annotation), _default(field), field.description or "", depth))
        for inner in _models(field.annotation):
            if inner not in (*within, model):
                found += entries(inner, depth + 1, (*within, model))
    return found


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    match value:
        case timedelta():
            return format_duration(value)
        case bool():
            return str(value).lower()
        case None | "":
            return ""
        case Enum():
            return str(value.value)
        case BaseModel() | Mapping() | list() | tuple() | set() | frozenset():
            return str(list(value)) if value and not isinstance(value, BaseModel | Mapping) else ""
    return str(value)


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    arguments = get_args(annotation)[:1] if get_origin(annotation) is Annotated else get_args(annotation)
    return [found for part in arguments for found in _models(part)]


def type_name(annotation: Any) -> str:
    """Write a type as people would: `duration`, `list of text`, `one of a, b`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_name(arguments[0])
    if origin is Literal:
        return " | ".join(str(item) or '""' for item in arguments)
    if origin in (Union, types.UnionType):
        return " | ".join(dict.fromkeys(type_name(part) for part in arguments if part is not type(None)))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"mapping to {type_name(arguments[1])}"
    if isinstance(origin, type) and issubclass(origin, Sequence | frozenset | set):
        return f"list of {type_name(arguments[0])}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " | ".join(str(member.value) for member in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping"
    return _WORDS.get(annotation, "any")
