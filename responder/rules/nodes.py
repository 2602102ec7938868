"""The tree of one rule file: what it says, and where each word of it stands."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from responder.model.origin import Origin
from responder.model.verdict import Json


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One file: `file` as people know it, the pack that it belongs to, its lines without their ends."""

    file: str
    pack: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a document; lines and columns count from 1."""

    document: Document
    line: int
    column: int

    @property
    def origin(self) -> Origin:
        """The same for the model, which knows no documents."""
        return Origin(self.document.file, self.line, self.column)


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """
    One value. `text` is the decoded text, `value` what YAML 1.2 makes of it.

    `style` is the quote or block mark that it was written with, "" for a plain one. `end` is just behind it.
    """

    spot: Spot
    end: Spot
    text: str
    value: str | int | float | bool | None
    style: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class SequenceNode:
    """A list."""

    spot: Spot
    items: tuple["Node", ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A key with its value."""

    key: Scalar
    node: "Node"


@dataclass(frozen=True, slots=True, eq=False)
class MappingNode:
    """Keys with values, in the file's order; no key stands twice."""

    spot: Spot
    entries: tuple[Entry, ...] = ()

    def entry(self, key: str) -> Entry | None:
        """Find an entry by its key."""
        return next((entry for entry in self.entries if entry.key.text == key), None)

    def get(self, key: str) -> "Node | None":
        """Find a value by its key."""
        entry = self.entry(key)
        return entry.node if entry else None

    @property
    def words(self) -> tuple[str, ...]:
        """Return the keys, in order."""
        return tuple(entry.key.text for entry in self.entries)


Node: TypeAlias = Scalar | SequenceNode | MappingNode
Step: TypeAlias = str | int
Path: TypeAlias = tuple[Step, ...]


def plain(node: Node) -> Json:
    """Return the node as plain data."""
    match node:
        case Scalar(value=value):
            return value
        case SequenceNode(items=items):
            return [plain(item) for item in items]
        case MappingNode(entries=entries):
            return {entry.key.text: plain(entry.node) for entry in entries}


def child(node: Node, step: Step) -> Node | None:
    """Go one step down; None when there is nothing."""
    if isinstance(node, MappingNode):
        return node.get(str(step))
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.items):
        return node.items[step]
    return None


def at(node: Node, *path: Step) -> Node:
    """Go down the path as far as it leads, over steps that the tree does not know."""
    for step in path:
        node = child(node, step) or node
    return node


def known_path(node: Node, path: Sequence[Step]) -> Path:
    """Return the steps of the path that the tree has, without those that it does not."""
    taken: list[Step] = []
    for step in path:
        below = child(node, step)
        if below is not None:
            node = below
            taken.append(step)
    return tuple(taken)


def key_spot(node: Node, path: Sequence[Step]) -> Spot:
    """Return the place of the key that the path ends in, or of the value where it has none."""
    parent = at(node, *path[:-1])
    if path and isinstance(parent, MappingNode) and (entry := parent.entry(str(path[-1]))):
        return entry.key.spot
    return at(node, *path).spot


def without(node: Node, path: Path) -> Node | None:
    """Return the tree without what stands at the path; None when that is all of it."""
    if not path:
        return None
    match node:
        case MappingNode():
            kept = ((entry, _pruned(entry.node, path, entry.key.text)) for entry in node.entries)
            return MappingNode(node.spot, tuple(Entry(e.key, below) for e, below in kept if below is not None))
        case SequenceNode():
            below = (_pruned(item, path, index) for index, item in enumerate(node.items))
            return SequenceNode(node.spot, tuple(item for item in below if item is not None))
        case Scalar():
            return node


def _pruned(node: Node, path: Path, step: Step) -> Node | None:
    return without(node, path[1:]) if path[0] == step else node


def merged(below: MappingNode, above: MappingNode) -> MappingNode:
    """Lay one mapping over another: mappings join key by key, anything else is replaced; new keys come last."""
    entries = [_merged_entry(entry, above.entry(entry.key.text)) for entry in below.entries]
    known = set(below.words)
    return MappingNode(below.spot, (*entries, *(entry for entry in above.entries if entry.key.text not in known)))


def _merged_entry(below: Entry, above: Entry | None) -> Entry:
    if above is None:
        return below
    if isinstance(below.node, MappingNode) and isinstance(above.node, MappingNode):
        return Entry(below.key, merged(below.node, above.node))
    return above


def scalars(node: Node, path: Path = ()) -> Iterator[tuple[Path, Scalar]]:
    """Walk over every value with its path, in the file's order."""
    match node:
        case Scalar():
            yield path, node
        case SequenceNode(items=items):
            for index, item in enumerate(items):
                yield from scalars(item, (*path, index))
        case MappingNode(entries=entries):
            for entry in entries:
                yield from scalars(entry.node, (*path, entry.key.text))
