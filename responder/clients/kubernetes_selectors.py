"""Label selectors, from the form in which objects hold them to the form in which a query takes them."""

from collections.abc import Mapping
from typing import Any


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """
    Write `matchLabels` and `matchExpressions` as a query; "" when there is nothing to match by.

    An empty selector matches every object at the API server: the caller must not ask with "".
    """
    if not selector:
        return ""
    terms = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    return ",".join([*terms, *(_requirement(term) for term in selector.get("matchExpressions") or ())])


def _requirement(term: Mapping[str, Any]) -> str:
    key, values = term["key"], ",".join(sorted(term.get("values") or ()))
    match term["operator"]:
        case "In":
            return f"{key} in ({values})"
        case "NotIn":
            return f"{key} notin ({values})"
        case "DoesNotExist":
            return f"!{key}"
        case _:
            return str(key)
