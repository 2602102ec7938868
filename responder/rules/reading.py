"""
From a file's bytes to its tree: YAML 1.2, so that `off` and `22:30` stay text.

Bounded in size, depth and number of nodes, so that a few lines of aliases cannot fill the memory.
"""

import re
from typing import Any

import yaml

from responder.rules.nodes import Document, Entry, MappingNode, Node, Scalar, SequenceNode, Spot
from responder.rules.problems import Problems

MAX_BYTES = 1_000_000
"""One file; the largest pack known has 40 kB."""
MAX_NODES = 100_000
"""Of one file with its aliases followed."""
MAX_DEPTH = 60

_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_INT = re.compile(r"[-+]?[0-9]{1,18}|0o[0-7]{1,20}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,30}|[0-9]{1,30}(?:\.[0-9]{0,30})?)(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}
_STANDARD_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))


class _Loader(yaml.CSafeLoader):
    """Leaves every plain scalar a string: what it means is decided here, by YAML 1.2."""

    yaml_implicit_resolvers = {}


def parse(content: bytes, *, file: str, pack: str, problems: Problems, what: str = "a rule file") -> MappingNode | None:
    """Read one file; None for an empty one, and for one that is not a YAML mapping, which is noted."""
    document = Document(file, pack, ())
    if len(content) > MAX_BYTES:
        problems.error(Spot(document, 0, 0), f"the file has {len(content)} bytes", f"at most {MAX_BYTES} are read")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.error(Spot(document, 0, 0), f"the file is not UTF-8: byte {error.start} is wrong")
        return None
    document = Document(file, pack, tuple(_LINE_END.split(text)))
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        _note(error, document, problems)
        return None
    if root is None:
        return None
    tree = _Tree(document, problems)
    built = tree.build(root, 0)
    return _mapping(built, problems, what) if tree.nodes <= MAX_NODES else None


def _mapping(root: Node | None, problems: Problems, what: str) -> MappingNode | None:
    if root is None or isinstance(root, MappingNode):
        return root
    if isinstance(root, Scalar) and root.value is None:
        return None
    begin = "`apiVersion:`" if what == "a manifest" else "`rules:`, `playbooks:`, `teams:` ..."
    problems.error(root.spot, f"{what} is a mapping", f"begin with {begin}")
    return None


def resolve(text: str) -> str | int | float | bool | None:
    """Say what a plain scalar means in YAML 1.2's core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


class _Tree:
    """Builds our tree from PyYAML's nodes, whose aliases make a graph of them."""

    def __init__(self, document: Document, problems: Problems) -> None:
        self.document = document
        self.problems = problems
        self.nodes = 0

    def build(self, node: Any, depth: int) -> Node | None:
        spot = self.spot(node.start_mark)
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            if self.nodes <= MAX_NODES + 1:
                self.nodes = MAX_NODES + 1
                self.problems.error(spot, "the file nests too deep or repeats too much by aliases")
            return None
        if node.tag not in _STANDARD_TAGS:
            self.problems.error(
                spot, f"`{node.tag}` would be a YAML tag", "put quotes around a string that begins with `!`"
            )
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node)
        if isinstance(node, yaml.SequenceNode):
            items = (self.build(item, depth + 1) for item in node.value)
            return SequenceNode(spot, tuple(item for item in items if item is not None))
        return MappingNode(spot, tuple(self.entries(node, depth)))

    def scalar(self, node: Any) -> Scalar:
        text = str(node.value)
        value = text if node.style else resolve(text)
        return Scalar(self.spot(node.start_mark), self.spot(node.end_mark), text, value, node.style or "")

    def entries(self, node: Any, depth: int) -> list[Entry]:
        seen: dict[str, Entry] = {}
        for key, value in node.value:
            spot = self.spot(key.start_mark)
            if not isinstance(key, yaml.ScalarNode):
                self.problems.error(spot, "a key must be a word", "put quotes around a string that begins with `{`")
                continue
            named = self.scalar(key)
            if named.text in seen:
                first = seen[named.text].key.spot.line
                self.problems.error(spot, f"the key `{named.text}` stands twice", f"first in line {first}")
                continue
            below = self.build(value, depth + 1)
            if below is not None:
                seen[named.text] = Entry(named, below)
        return list(seen.values())

    def spot(self, mark: Any) -> Spot:
        return Spot(self.document, mark.line + 1, mark.column + 1)


def _note(error: yaml.YAMLError, document: Document, problems: Problems) -> None:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    spot = Spot(document, mark.line + 1, mark.column + 1) if mark else Spot(document, 0, 0)
    message = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    context = getattr(error, "context", None)
    shown = f"{message} ({context})" if context else str(message)
    problems.error(spot, f"not YAML: {shown}", _cure(document, spot, str(message)))


def _cure(document: Document, spot: Spot, message: str) -> str:
    here = document.lines[spot.line - 1] if 0 < spot.line <= len(document.lines) else ""
    before = document.lines[spot.line - 2] if 1 < spot.line <= len(document.lines) + 1 else ""
    if "${" in here or "${" in before:
        return "put quotes around a string with `${...}`"
    if "cannot start any token" in message:
        return "put quotes around a string that begins with @, ` or %, and indent with spaces, not tabs"
    if "{" in here:
        return "put quotes around a string with `{`, `}`, `: ` or ` #`"
    return ""
