"""
The functions that the check knows: CEL's operators, where an int may stand beside a double, and three questions.

They are declared for the checker only. `rewrite` turns what is new here into plain CEL before anything runs.
"""

import json
from collections.abc import Iterator
from typing import Any

MIXED = "mixed"
"""Starts the id of every overload that takes an int for a double; what follows says which argument: `mixed_2_...`."""

FAILED, HAS_DATA, LABEL = "failed", "has_data", "label"
QUESTIONS = (FAILED, HAS_DATA, LABEL)
"""Ours: `failed(db)`, `has_data(rate)`, `label("pod", "none")`."""

_A = {"type_name": "A", "is_type_param": True}
_B = {"type_name": "B", "is_type_param": True}
_LIST_A = {"type_name": "list", "params": [_A]}
_MAP_A_B = {"type_name": "map", "params": [_A, _B]}
_NUMBERS = ("int", "uint", "double")
_ORDERED = (*_NUMBERS, "bool", "string", "bytes", "timestamp", "duration")
_DURATION_SUMS = (
    ("timestamp", "duration", "timestamp"),
    ("duration", "timestamp", "timestamp"),
    ("duration", "duration", "duration"),
)
_DURATION_DIFFERENCES = (
    ("timestamp", "timestamp", "duration"),
    ("timestamp", "duration", "timestamp"),
    ("duration", "duration", "duration"),
)

Overload = tuple[list[Any], Any]


def _operators() -> dict[str, list[Overload]]:
    found: dict[str, list[Overload]] = {}
    for name in ("_<_", "_<=_", "_>_", "_>=_"):
        found[name] = [([kind, kind], "bool") for kind in _ORDERED]
    for name in ("_==_", "_!=_"):
        found[name] = [([_A, _A], "bool")]
    for name in ("_+_", "_-_", "_*_", "_/_"):
        found[name] = [([kind, kind], kind) for kind in _NUMBERS]
    found["_+_"] += [([kind, kind], kind) for kind in ("string", "bytes", _LIST_A)]
    found["_+_"] += [([left, right], result) for left, right, result in _DURATION_SUMS]
    found["_-_"] += [([left, right], result) for left, right, result in _DURATION_DIFFERENCES]
    found["_?_:_"] = [(["bool", _A, _A], _A)]
    found["@in"] = [([_A, _LIST_A], "bool"), ([_A, _MAP_A_B], "bool")]
    found["@in"] += [
        ([one, {"type_name": "list", "params": [_type(other)]}], "bool")
        for one, other in (("int", "double"), ("double", "int"))
    ]
    return found


def _mixed(name: str) -> list[tuple[int, Overload]]:
    match name:
        case "@in":
            return []
        case "_?_:_":
            return [(2, (["bool", "int", "double"], "double")), (3, (["bool", "double", "int"], "double"))]
        case "_+_" | "_-_" | "_*_" | "_/_":
            result = "double"
        case _:
            result = "bool"
    return [(1, (["int", "double"], result)), (2, (["double", "int"], result))]


def _type(kind: Any) -> Any:
    return {"type_name": kind} if isinstance(kind, str) else kind


def _declared(name: str, overloads: list[Overload]) -> dict[str, Any]:
    numbered: Iterator[tuple[str, Overload]] = (
        (f"plain_{number}_{name}", overload) for number, overload in enumerate(overloads)
    )
    mixed = ((f"{MIXED}_{argument}_{name}", overload) for argument, overload in _mixed(name))
    return {
        "name": name,
        "overloads": [
            {"id": name_of, "args": [_type(a) for a in arguments], "return": _type(result)}
            for name_of, (arguments, result) in (*numbered, *mixed)
        ],
    }


def _question(name: str, arguments: list[str], result: str) -> dict[str, Any]:
    return {"name": name, "overloads": [{"id": name, "args": [_type(a) for a in arguments], "return": _type(result)}]}


def config() -> str:
    """Return the environment's configuration, as YAML."""
    operators = _operators()
    functions = [_declared(name, overloads) for name, overloads in operators.items()]
    functions += [
        _question(FAILED, ["dyn"], "bool"),
        _question(HAS_DATA, ["dyn"], "bool"),
        _question(LABEL, ["string", "string"], "string"),
    ]
    return json.dumps(
        {
            "name": "responder",
            "stdlib": {"exclude_functions": [{"name": name} for name in operators]},
            "functions": functions,
        }
    )


def promoted_argument(overload: str) -> int:
    """Return which argument, from 1, is an int that stands for a double; 0 for any other overload."""
    prefix, _, rest = overload.partition("_")
    return int(rest.partition("_")[0]) if prefix == MIXED else 0
