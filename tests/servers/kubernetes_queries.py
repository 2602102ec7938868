"""Label selectors, field selectors and pages, as strict as the real server's."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.servers.kubernetes_errors import Refusal, bad_request
from tests.servers.kubernetes_kinds import Kind

Object = dict[str, Any]
Predicate = Callable[[Object], bool]

_KEY = re.compile(r"(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", re.ASCII)
_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", re.ASCII)
_SET = re.compile(r"(\S+)\s+(in|notin)\s*\(([^()]*)\)")


def label_predicate(text: str) -> Predicate:
    """Compile a label selector."""
    tests = [_requirement(part.strip()) for part in _split(text)] if text.strip() else []
    return lambda found: all(test(found["metadata"].get("labels") or {}) for test in tests)


def _split(text: str) -> list[str]:
    parts, depth, current = [], 0, ""
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += letter
    return [*parts, current]


def _requirement(part: str) -> Callable[[Mapping[str, str]], bool]:
    if found := _SET.fullmatch(part):
        key, values = _key(found[1]), {_value(value.strip()) for value in found[3].split(",")}
        if found[2] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if part.startswith("!"):
        absent = _key(part[1:].strip())
        return lambda labels: absent not in labels
    for sign in ("!=", "==", "="):
        if sign in part:
            left, _, right = part.partition(sign)
            key, value = _key(left.strip()), _value(right.strip())
            if sign == "!=":
                return lambda labels: labels.get(key) != value
            return lambda labels: labels.get(key) == value
    present = _key(part)
    return lambda labels: present in labels


def _key(text: str) -> str:
    if not _KEY.fullmatch(text):
        raise bad_request(
            f"unable to parse requirement: <nil>: Invalid value: {json.dumps(text)}: name part must consist"
        )
    return text


def _value(text: str) -> str:
    if not _VALUE.fullmatch(text):
        raise bad_request(f"unable to parse requirement: values[0]: Invalid value: {json.dumps(text)}: a valid label")
    return text


def field_predicate(text: str, kind: Kind) -> Predicate:
    """Compile a field selector: only the fields that the real server knows for the kind."""
    tests: list[Predicate] = []
    for part in filter(None, text.split(",")):
        found = re.fullmatch(r"([^!=]+)(==|!=|=)(.*)", part)
        if not found:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        if found[1] not in ("metadata.name", "metadata.namespace", *kind.fields):
            raise bad_request(f"field label not supported: {found[1]}")
        tests.append(_field_test(*found.groups()))
    return lambda found: all(test(found) for test in tests)


def _field_test(path: str, sign: str, wanted: str) -> Predicate:
    def value(found: Object) -> str:
        node: Any = found
        for step in path.split("."):
            node = node.get(step) if isinstance(node, dict) else None
        return {None: "", True: "true", False: "false"}.get(node, str(node)) if not isinstance(node, dict) else ""

    return lambda found: (value(found) == wanted) is (sign != "!=")


def page(items: list[Object], limit: str, going_on: str, *, version: int, oldest: int) -> tuple[list[Object], Object]:
    """Cut one page out of sorted items; answers it with the list's metadata."""
    start, at = _read_token(going_on) if going_on else ("", version)
    if at < oldest:
        message = "The provided continue parameter is too old to display a consistent list result."
        raise Refusal(410, "Expired", message)
    rest = [item for item in items if _place(item) > start]
    count = _limit(limit)
    metadata: Object = {"resourceVersion": str(at)}
    if count and len(rest) > count:
        last = _place(rest[count - 1])
        metadata["continue"] = base64.urlsafe_b64encode(json.dumps([at, last]).encode()).decode().rstrip("=")
        metadata["remainingItemCount"] = len(rest) - count
        rest = rest[:count]
    return rest, metadata


def _limit(text: str) -> int:
    if text and not re.fullmatch(r"-?\d+", text):
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return max(0, int(text or 0))


def _place(item: Object) -> str:
    return f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"


def _read_token(text: str) -> tuple[str, int]:
    try:
        at, start = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error) as error:
        raise bad_request(f"continue key is not valid: {error}") from error
    return str(start), int(at)


def matches(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """Whether a selector as objects hold it matches; an empty one matches everything, none nothing."""
    if selector is None:
        return False
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _expression(term, labels) for term in selector.get("matchExpressions") or ()
    )


def _expression(term: Object, labels: Mapping[str, str]) -> bool:
    key, values = term["key"], term.get("values") or ()
    match term["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels
