"""The JSON Schema of rule files, for editors: the grammar, and the parameters of every plugin."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from responder.plugins.registry import Registry
from responder.rules.shapes import RuleFile

Node = dict[str, Any]

_DURATION: Node = {"type": "string", "pattern": r"^(0|([0-9]{1,9}(ms|[wdhms]))+)$"}
_TEMPLATE: Node = {"type": "string", "pattern": r"\$\{"}
_TYPED = frozenset({"integer", "number", "boolean", "array"})
_NAMED = frozenset({"properties", "patternProperties"})
"""Keywords whose keys are names, not keywords."""
_PLAIN = frozenset({"default", "enum", "const", "required", "examples"})
"""Keywords whose values are data, not schemas."""
_STEPS = {"DiagnosticShape": "diagnostics", "ActionShape": "actions"}


def json_schema(registry: Registry) -> Node:
    """Build the schema; parameters may be templates wherever they are not."""
    plugins = {kind: dict(getattr(registry, kind)) for kind in ("diagnostics", "actions", "notifiers")}
    params = [plugin.Params for found in plugins.values() for plugin in found.values()]
    refs, definitions = models_json_schema(
        [(RuleFile, "validation"), *((model, "validation") for model in dict.fromkeys(params))],
        by_alias=True,
        ref_template="#/$defs/{model}",
    )
    defs: dict[str, Node] = definitions["$defs"]
    grammar = _reachable(refs[RuleFile, "validation"], defs)
    for name, node in defs.items():
        defs[name] = _mended(node, template=name not in grammar)
    for shape, kind in _STEPS.items():
        defs[shape]["properties"] |= {n: refs[p.Params, "validation"] for n, p in plugins[kind].items()}
        defs[shape]["additionalProperties"] = False
    receivers = {name: refs[plugin.Params, "validation"] for name, plugin in plugins["notifiers"].items()}
    defs["TeamShape"]["properties"]["receivers"]["additionalProperties"] = _receiver(receivers)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rule file of Responder",
        "$ref": "#/$defs/RuleFile",
        "$defs": dict(sorted(defs.items())),
    }


def _receiver(properties: Mapping[str, Node]) -> Node:
    return {
        "type": "object",
        "properties": dict(properties),
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _reachable(start: Node, defs: Mapping[str, Node]) -> frozenset[str]:
    """Return the names of the definitions that a schema refers to, directly or not."""
    found: set[str] = set()
    waiting = list(_referred(start))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _referred(defs[name])
    return frozenset(found)


def _referred(node: Any) -> Iterable[str]:
    if isinstance(node, dict):
        if isinstance(ref := node.get("$ref"), str):
            yield ref.rsplit("/", 1)[-1]
        for below in node.values():
            yield from _referred(below)
    elif isinstance(node, list):
        for below in node:
            yield from _referred(below)


def _mended(node: Any, *, template: bool) -> Any:
    """Write durations as we read them; with `template`, let `${...}` stand for any value that is not free text."""
    if isinstance(node, list):
        return [_mended(item, template=template) for item in node]
    if not isinstance(node, dict):
        return node
    below = {key: _keyword(key, value, template=template) for key, value in node.items() if key != "title"}
    if below.get("format") == "duration":
        below = {key: value for key, value in below.items() if key != "format"} | _DURATION
    return _or_template(below) if template and _typed(below) else below


def _keyword(key: str, value: Any, *, template: bool) -> Any:
    if key in _NAMED:
        return {name: _mended(below, template=template) for name, below in value.items()}
    if key in _PLAIN:
        return value
    return _mended(value, template=template and key != "anyOf")


def _typed(node: Node) -> bool:
    restricted = node.get("type") == "string" and ("pattern" in node or "enum" in node or "const" in node)
    return node.get("type") in _TYPED or restricted or "anyOf" in node


def _or_template(node: Node) -> Node:
    about: Node = {key: node[key] for key in ("description", "default") if key in node}
    rest = {key: value for key, value in node.items() if key not in about}
    choices = rest["anyOf"] if set(rest) == {"anyOf"} else [rest]
    return {**about, "anyOf": [*choices, _TEMPLATE]}
