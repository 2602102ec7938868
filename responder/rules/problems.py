"""What is wrong with the rule files, each at its place, with the line quoted and what was meant."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from responder.errors import ConfigError, RuleError
from responder.model.near import nearest
from responder.model.origin import Origin
from responder.rules.nodes import Spot

_QUOTED_WIDTH = 110
_WORDS_SHOWN = 24


class Gravity(StrEnum):
    """An error keeps the rules from being used; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. `quoted` is the line that it stands on, `hint` what to do about it."""

    gravity: Gravity
    message: str
    origin: Origin
    quoted: str = ""
    hint: str = ""

    def error(self) -> RuleError:
        """Return it as an exception."""
        place = self.origin
        return RuleError(self.message, file=place.file, line=place.line, column=place.column, hint=self.hint)


class RuleErrors(ConfigError):
    """The rule files cannot be used: run `responder check`."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problem for problem in problems if problem.gravity is Gravity.ERROR)
        self.errors: tuple[RuleError, ...] = tuple(problem.error() for problem in self.problems)
        super().__init__("\n".join(render(problem) for problem in self.problems))


@dataclass(slots=True)
class Problems:
    """Collects problems; the same one at the same place counts once."""

    found: dict[tuple[Origin, str], Problem] = field(default_factory=dict)

    def error(self, spot: Spot, message: str, hint: str = "") -> None:
        """Note an error."""
        self.add(_problem(Gravity.ERROR, spot, message, hint))

    def warn(self, spot: Spot, message: str, hint: str = "") -> None:
        """Note a warning."""
        self.add(_problem(Gravity.WARNING, spot, message, hint))

    def add(self, problem: Problem) -> None:
        """Note a problem."""
        self.found.setdefault((problem.origin, problem.message), problem)

    def sorted(self) -> tuple[Problem, ...]:
        """Return all of them by file, line and column; of one place, errors first."""
        return tuple(
            sorted(self.found.values(), key=lambda p: (p.origin.file, p.origin.line, p.origin.column, p.gravity))
        )

    @property
    def fatal(self) -> bool:
        """Whether there is an error among them."""
        return any(problem.gravity is Gravity.ERROR for problem in self.found.values())


def _problem(gravity: Gravity, spot: Spot, message: str, hint: str) -> Problem:
    lines = spot.document.lines
    quoted = lines[spot.line - 1] if 0 < spot.line <= len(lines) else ""
    return Problem(gravity, message, spot.origin, quoted, hint)


def meant(word: str, known: Iterable[str]) -> str:
    """Say which of the known words was probably meant, and which there are."""
    words = sorted({str(item) for item in known})
    near = nearest(word, words)
    shown = ", ".join(words[:_WORDS_SHOWN]) + (", ..." if len(words) > _WORDS_SHOWN else "")
    if near:
        return f"did you mean `{near}`? Valid: {shown}"
    return f"valid: {shown}" if words else "there are none"


def render(problem: Problem) -> str:
    """Write as `file:line:column: error: ...`, the line quoted, and a caret below it with the hint."""
    head = f"{problem.origin}: {problem.gravity.value}: {problem.message}"
    if not problem.quoted:
        return f"{head}\n    {problem.hint}" if problem.hint else head
    line, caret = _window(problem.quoted, problem.origin.column - 1)
    number = str(problem.origin.line)
    below = f"{' ' * len(number)} | {' ' * caret}^ {problem.hint}".rstrip()
    return f"{head}\n  {number} | {line}\n  {below}"


def _window(line: str, column: int) -> tuple[str, int]:
    line = line.replace("\t", " ")
    if len(line) <= _QUOTED_WIDTH:
        return line, column
    start = max(0, min(column - _QUOTED_WIDTH // 2, len(line) - _QUOTED_WIDTH))
    cut = line[start : start + _QUOTED_WIDTH]
    before, after = "... " if start else "", " ..." if start + _QUOTED_WIDTH < len(line) else ""
    return before + cut + after, column - start + len(before)
