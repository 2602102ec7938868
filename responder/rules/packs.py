"""Finds the rule files: packs are folders, or single files, in the order of the settings and then by name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from responder.rules.nodes import Document, MappingNode, Spot
from responder.rules.problems import Problems
from responder.rules.reading import parse

SUFFIXES = frozenset({".yaml", ".yml"})
MAX_FILES = 2000


@dataclass(frozen=True, slots=True, eq=False)
class RuleSource:
    """One rule file that was read: its pack, its tree, None when there is nothing in it."""

    file: str
    pack: str
    digest: str
    tree: MappingNode | None


def read_packs(paths: Sequence[Path], problems: Problems) -> tuple[RuleSource, ...]:
    """
    Read every rule file of the paths, noting what cannot be read.

    A folder with rule files is one pack, named like the folder; one without them holds packs. What begins with a dot
    is passed over, so that the folder of a mounted ConfigMap is read once.
    """
    sources: list[RuleSource] = []
    for path, pack in _files(paths, problems):
        if len(sources) == MAX_FILES:
            _refuse(path, f"more than {MAX_FILES} rule files", problems)
            break
        source = _read(path, pack, problems)
        if source:
            sources.append(source)
    return tuple(sources)


def _files(paths: Sequence[Path], problems: Problems) -> Iterator[tuple[Path, str]]:
    for path in paths:
        if not path.exists():
            _refuse(path, "there is no such file or folder", problems)
        elif not any(_packed(path)):
            _refuse(path, "there are no rule files (*.yaml) here", problems)
    yield from rule_files(paths)


def rule_files(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Find the rule files of the paths with their packs, each once, in the order in which they count."""
    seen: set[Path] = set()
    for path in paths:
        for file, pack in _packed(path):
            if file.resolve() not in seen:
                seen.add(file.resolve())
                yield file, pack


def _packed(path: Path) -> Iterator[tuple[Path, str]]:
    if path.is_file():
        yield path, path.stem
        return
    if not path.is_dir():
        return
    own = _visible(path)
    files = [file for file in own if file.suffix in SUFFIXES and file.is_file()]
    if files:
        yield from ((file, path.resolve().name) for file in files)
        return
    for folder in (item for item in own if item.is_dir()):
        yield from ((f, folder.name) for f in _visible(folder) if f.suffix in SUFFIXES and f.is_file())


def _visible(folder: Path) -> list[Path]:
    return sorted(item for item in folder.iterdir() if not item.name.startswith("."))


def _read(path: Path, pack: str, problems: Problems) -> RuleSource | None:
    try:
        content = path.read_bytes()
    except OSError as error:
        _refuse(path, f"cannot be read: {error.strerror}", problems)
        return None
    tree = parse(content, file=str(path), pack=pack, problems=problems)
    return RuleSource(str(path), pack, sha256(content).hexdigest(), tree)


def _refuse(path: Path, message: str, problems: Problems) -> None:
    problems.error(Spot(Document(str(path), "", ()), 0, 0), message)
