"""A deployment's own word on what actions may do at most: ceilings, and guards that hold for all of them."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from responder.model.ceilings import NEVER, Ceilings
from responder.model.guard import limits_of, windows_of
from responder.model.regex import compile_regex
from responder.rules.acting import check_patterns
from responder.rules.nodes import MappingNode, Node, at, child, key_spot, plain
from responder.rules.problems import Problems, meant
from responder.rules.shapes import CeilingsShape, DeploymentGuardShape


def build(
    ceilings: CeilingsShape | None,
    guard: DeploymentGuardShape | None,
    *,
    nodes: tuple[Node | None, Node | None],
    rules: Iterable[str],
    problems: Problems,
) -> Ceilings:
    """Type what stands under `ceilings` and `guard`, whose nodes are given in that order; note what is wrong."""
    _check_keys(nodes[0], frozenset(rules), problems)
    _check_guard(guard, nodes[1], problems)
    ceilings, guard = ceilings or CeilingsShape(), guard or DeploymentGuardShape()
    return Ceilings(
        namespaces=dict(ceilings.namespaces),
        rules=dict(ceilings.rules),
        never=NEVER if guard.never is None else tuple(guard.never),
        only_in=tuple(guard.only_in),
        at_most=limits_of(_plain(nodes[1], "at_most") if guard.at_most else None),
        windows=windows_of(_plain(nodes[1], "windows") if guard.windows else ()),
    )


def _plain(node: Node | None, key: str) -> object:
    below = child(node, key) if node is not None else None
    return plain(below) if below is not None else None


def _check_keys(node: Node | None, rules: frozenset[str], problems: Problems) -> None:
    if node is None:
        return
    for entry in _entries(node, "namespaces"):
        try:
            compile_regex(entry)
        except ValueError:
            spot = key_spot(node, ("namespaces", entry))
            problems.error(spot, f"`{entry}` is not a regular expression of RE2")
    for entry in _entries(node, "rules"):
        if entry not in rules:
            spot = key_spot(node, ("rules", entry))
            problems.error(spot, f"no rule is called `{entry}`", f"write PACK/RULE; {meant(entry, rules)}")


def _entries(node: Node, key: str) -> tuple[str, ...]:
    below = child(node, key)
    return tuple(entry.key.text for entry in below.entries) if isinstance(below, MappingNode) else ()


def _check_guard(guard: DeploymentGuardShape | None, node: Node | None, problems: Problems) -> None:
    if guard is None or node is None:
        return
    for key in ("never", "only_in"):
        check_patterns(child(node, key), problems)
    if guard.never and NEVER[0] not in guard.never:
        hint = f"what is written here stands alone: add {', '.join(NEVER)}"
        problems.warn(key_spot(node, ("never",)), f"actions may act in {NEVER[0]}", hint)
    for index, window in enumerate(guard.windows):
        try:
            ZoneInfo(window.zone)
        except (ZoneInfoNotFoundError, ValueError):
            spot = at(node, "windows", index, "zone").spot
            problems.error(spot, f"unknown time zone `{window.zone}`", "write it as in Europe/Berlin")
