"""A deployment's own word on what actions may do at most: ceilings, and guards that hold for all of them."""

from collections.abc import Iterable

from responder.model.ceilings import BY_HAND, NEVER, Ceilings
from responder.model.guard import limits_of, windows_of
from responder.model.regex import compile_regex
from responder.rules.acting import check_patterns, check_windows
from responder.rules.known import Known
from responder.rules.nodes import MappingNode, Node, at, child, key_spot, plain
from responder.rules.problems import Problems, meant
from responder.rules.shapes import CeilingsShape, DeploymentGuardShape


def build(
    ceilings: CeilingsShape | None,
    guard: DeploymentGuardShape | None,
    *,
    nodes: tuple[Node | None, Node | None],
    rules: Iterable[str],
    known: Known,
) -> Ceilings:
    """Type what stands under `ceilings` and `guard`, whose nodes are given in that order; note what is wrong."""
    _check_keys(nodes[0], frozenset(rules), known.problems)
    _check_guard(guard, nodes[1], known)
    ceilings, guard = ceilings or CeilingsShape(), guard or DeploymentGuardShape()
    return Ceilings(
        namespaces=dict(ceilings.namespaces),
        rules=dict(ceilings.rules),
        never=tuple(dict.fromkeys((*(name for name in NEVER if name not in guard.open), *guard.never))),
        only_in=tuple(guard.only_in),
        at_most=limits_of(_plain(nodes[1], "at_most") if guard.at_most else None),
        windows=windows_of(_plain(nodes[1], "windows") if guard.windows else ()),
        approvals={**BY_HAND, **guard.by_hand.approvals},
        approvers={weight: tuple(roles) for weight, roles in guard.by_hand.approvers.items()},
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


def _check_guard(guard: DeploymentGuardShape | None, node: Node | None, known: Known) -> None:
    if guard is None or node is None:
        return
    problems = known.problems
    for key in ("never", "only_in"):
        check_patterns(child(node, key), problems)
    check_windows(guard.windows, node, problems)
    for name in guard.open:
        told = f"actions may act in {name}, where what carries the cluster runs"
        problems.warn(key_spot(node, ("open",)), told, "say by `only_in` of each action where it may")
    approvers = at(node, "by_hand", "approvers")
    for roles in (entry.node for entry in approvers.entries) if isinstance(approvers, MappingNode) else (approvers,):
        if guard.by_hand.approvers:
            known.check_roles(roles, needed=True)
