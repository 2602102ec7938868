"""Puts a playbook together from its own words, the sets that it uses, and what a deployment overrides."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from responder.rules.nodes import Entry, MappingNode, Node, Scalar, SequenceNode, merged, plain
from responder.rules.problems import Problems, meant

_NAMED = ("diagnose", "actions")
_LISTED = ("conclude", "steps", "resolved_when")
_REPLACED = ("title", "runbook", "target", "notify", "refresh")


def with_sets(own: MappingNode, sets: Iterable[MappingNode]) -> MappingNode:
    """Add what the sets bring; where both have a name, the playbook's own wins."""
    for used in reversed(tuple(sets)):
        for key in ("vars", *_NAMED):
            own = _put(own, key, _under(_mapping(used, key), _mapping(own, key)))
        for key in _LISTED:
            own = _put(own, key, _before(_sequence(used, key), _sequence(own, key)))
    return own


def overridden(own: MappingNode, override: MappingNode, problems: Problems) -> MappingNode:
    """Lay an override over a playbook; a name that the playbook does not have is noted."""
    for key in ("vars", *_NAMED):
        above = _mapping(override, key)
        if above is not None:
            below = _mapping(own, key)
            own = _put(own, key, _over(below, above, key, problems))
    own = _put(own, "conclude", _patched(_sequence(own, "conclude"), _mapping(override, "conclude"), problems))
    steps = _mapping(override, "steps")
    own = _put(own, "steps", _after(_sequence(own, "steps"), _sequence(steps, "add") if steps else None))
    own = _put(own, "forbid", _after(_sequence(own, "forbid"), _sequence(override, "forbid")))
    for key in _REPLACED:
        own = _put(own, key, override.get(key))
    return own


def conclusion_names(conclusions: Node | None) -> tuple[str, ...]:
    """Return the name of every conclusion: its own, or its cause where no other has it, or its place in the list."""
    if not isinstance(conclusions, SequenceNode):
        return ()
    entries = [plain(item) for item in conclusions.items]
    entries = [entry if isinstance(entry, Mapping) else {} for entry in entries]
    words = [str(entry.get("name") or entry.get("cause") or "") for entry in entries]
    return tuple(
        word if word and (entry.get("name") or words.count(word) == 1) else f"conclusion-{place}"
        for place, (entry, word) in enumerate(zip(entries, words, strict=True), start=1)
    )


def _mapping(node: MappingNode, key: str) -> MappingNode | None:
    found = node.get(key)
    return found if isinstance(found, MappingNode) else None


def _sequence(node: MappingNode, key: str) -> SequenceNode | None:
    found = node.get(key)
    return found if isinstance(found, SequenceNode) else None


def _put(own: MappingNode, key: str, value: Node | None) -> MappingNode:
    if value is None:
        return own
    before = own.entry(key)
    entry = Entry(before.key if before else Scalar(value.spot, value.spot, key, key), value)
    kept = tuple(item for item in own.entries if item is not before)
    return MappingNode(own.spot, (*kept, entry))


def _under(below: MappingNode | None, above: MappingNode | None) -> MappingNode | None:
    if below is None or above is None:
        return above or below
    return MappingNode(above.spot, (*(e for e in below.entries if not above.entry(e.key.text)), *above.entries))


def _before(first: SequenceNode | None, then: SequenceNode | None) -> SequenceNode | None:
    if first is None or then is None:
        return then or first
    taken = {entry.get("name") for entry in map(plain, then.items) if isinstance(entry, Mapping) and "name" in entry}
    kept = (item for item in first.items if not _named(plain(item), taken))
    return SequenceNode(then.spot, (*kept, *then.items))


def _named(entry: object, names: set[object]) -> bool:
    return isinstance(entry, Mapping) and entry.get("name") in names and "name" in entry


def _after(first: SequenceNode | None, then: SequenceNode | None) -> SequenceNode | None:
    if first is None or then is None:
        return then or first
    return SequenceNode(first.spot, (*first.items, *then.items))


def _over(below: MappingNode | None, above: MappingNode, key: str, problems: Problems) -> MappingNode:
    below = below or MappingNode(above.spot)
    known: list[Entry] = []
    for entry in above.entries:
        if before := below.entry(entry.key.text):
            value = _as_before(before.node, entry.node)
            if key in _NAMED or _same_type(before.node, value):
                known.append(Entry(entry.key, value))
            else:
                hint = f"its default is {_shown(before.node)}"
                problems.error(entry.node.spot, f"`{entry.key.text}` is of another type", hint)
        else:
            problems.error(
                entry.key.spot,
                f"the playbook has no `{entry.key.text}` under `{key}` to override",
                meant(entry.key.text, below.words),
            )
    for entry in known:
        below = _replace(below, entry, deep=key in _NAMED)
    return below


def _as_before(before: Node, after: Node) -> Node:
    """Let a whole number stand for a fraction: `1` for `1.0`."""
    if isinstance(before, Scalar) and isinstance(before.value, float) and isinstance(after, Scalar):
        return replace(after, value=float(after.value)) if type(after.value) is int else after
    return after


def _same_type(before: Node, after: Node) -> bool:
    if isinstance(before, Scalar) and isinstance(after, Scalar):
        return type(before.value) is type(after.value)
    return type(before) is type(after)


def _shown(node: Node) -> str:
    return f"`{node.text}`" if isinstance(node, Scalar) else "a list" if isinstance(node, SequenceNode) else "a mapping"


def _replace(below: MappingNode, entry: Entry, *, deep: bool) -> MappingNode:
    above = MappingNode(entry.key.spot, (entry,))
    if deep:
        plugin = _plugin(entry.node)
        below = MappingNode(below.spot, tuple(_without_other(e, entry, plugin) for e in below.entries))
        return merged(below, above)
    return MappingNode(below.spot, tuple(entry if e.key.text == entry.key.text else e for e in below.entries))


def _without_other(entry: Entry, above: Entry, plugin: str) -> Entry:
    """Take the old plugin out where the override names another one."""
    if entry.key.text != above.key.text or not plugin or not isinstance(entry.node, MappingNode):
        return entry
    kept = tuple(e for e in entry.node.entries if "." not in e.key.text or e.key.text == plugin)
    return Entry(entry.key, MappingNode(entry.node.spot, kept))


def _plugin(node: Node) -> str:
    return next((key for key in node.words if "." in key), "") if isinstance(node, MappingNode) else ""


def _patched(own: SequenceNode | None, patch: MappingNode | None, problems: Problems) -> SequenceNode | None:
    if patch is None:
        return None
    names = conclusion_names(own)
    for entry in patch.entries:
        if entry.key.text not in names:
            hint = meant(entry.key.text, names)
            problems.error(entry.key.spot, f"the playbook has no conclusion `{entry.key.text}` to override", hint)
    items = own.items if own else ()
    return SequenceNode(
        own.spot if own else patch.spot,
        tuple(_patched_item(item, patch.get(name)) for item, name in zip(items, names, strict=True)),
    )


def _patched_item(item: Node, patch: Node | None) -> Node:
    if isinstance(item, MappingNode) and isinstance(patch, MappingNode):
        return merged(item, patch)
    return item
