"""
Files of a pack that actions name, such as manifests: read when the rules are, so that an incident keeps them.

They stand beside the rule file that names them, or below it; nothing in them is a template.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from responder.plugins.action import AnyAction
from responder.rules.nodes import Document, MappingNode, Node, Scalar, Spot, child
from responder.rules.problems import Problems
from responder.rules.reading import parse

MAX_BYTES = 256 * 1024
"""One file: a ConfigMap holds at most a megabyte, and every incident of the playbook keeps it."""


MOST = 2000
"""Files that are looked after."""
_DEPTHS = ("*/*.yaml", "*/*/*.yaml")


@dataclass(slots=True)
class PackFiles:
    """What the actions of one playbook name, by the path within the pack."""

    problems: Problems
    found: dict[str, str] = field(default_factory=dict)

    def read(self, plugin: AnyAction, params: Node) -> None:
        """Read the files that an action's parameters name; note what is missing or cannot be used."""
        for path, scalar in _named(plugin.files, params):
            if "${" in scalar.text:
                hint = "what it holds is kept with the incident, so it has to be known before"
                self.problems.error(scalar.spot, "the name of a file cannot be a template", hint)
                continue
            text = self._text(path, scalar.spot)
            if text is not None and self.found.setdefault(path, text) != text:
                self.problems.error(scalar.spot, f"another pack of this playbook has a file {path}", "rename one")

    def _text(self, path: str, spot: Spot) -> str | None:
        file = Path(spot.document.file).parent / path
        try:
            with file.open("rb") as opened:
                content = opened.read(MAX_BYTES + 1)
        except OSError as error:
            self.problems.error(spot, f"the file {path} cannot be read: {error.strerror}", f"looked for: {file}")
            return None
        if len(content) > MAX_BYTES:
            self.problems.error(spot, f"the file {path} is larger than {MAX_BYTES // 1024} KiB")
            return None
        return self._checked(content, file, path, spot)

    def _checked(self, content: bytes, file: Path, path: str, spot: Spot) -> str | None:
        problems = Problems()
        tree = parse(content, file=str(file), pack=spot.document.pack, problems=problems, what="a manifest")
        for problem in problems.found.values():
            self.problems.add(problem)
        if problems.fatal:
            return None
        if tree is None or not all(isinstance(child(tree, word), Scalar) for word in ("apiVersion", "kind")):
            there = tree.spot if tree is not None else Spot(Document(str(file), spot.document.pack, ()), 0, 0)
            self.problems.error(there, f"the file {path} is no manifest: apiVersion and kind are missing")
            return None
        return content.decode("utf-8-sig")


def manifests(paths: Iterable[Path]) -> Iterator[Path]:
    """Find what may be such files, below folders of packs, so that a change of them is noticed; some thousand."""
    folders = (path for path in paths if path.is_dir())
    below = ((path, file) for path in folders for depth in _DEPTHS for file in path.glob(depth))
    seen = (file for path, file in below if not any(part[0] == "." for part in file.relative_to(path).parts))
    yield from islice(seen, MOST)


def _named(files: Mapping[str, str], params: Node) -> Iterator[tuple[str, Scalar]]:
    if isinstance(params, MappingNode):
        for name, form in files.items():
            scalar = params.get(name)
            if isinstance(scalar, Scalar) and scalar.text:
                yield form.format(scalar.text), scalar
