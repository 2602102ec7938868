"""What a person can say to one attempt: as a word, as the value of a button, as the command to type."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Word: TypeAlias = Literal["approve", "reject", "undo", "break-glass", "happened", "not-happened"]
"""What doors call an answer: in addresses of the API, commands and buttons."""
Answer: TypeAlias = Literal["yes", "no", "undo", "happened", "not_happened", "break_glass"]
"""What the timeline calls it."""

WORDS: tuple[Word, ...] = get_args(Word)
ANSWERS: Mapping[Word, Answer] = {
    "approve": "yes",
    "reject": "no",
    "undo": "undo",
    "break-glass": "break_glass",
    "happened": "happened",
    "not-happened": "not_happened",
}
SHORTEST_DIGEST = 4
"""Characters of a digest that are enough to say which preview somebody saw."""
_SHOWN_DIGEST = 8
_VALUE = re.compile(rf"({'|'.join(WORDS)}):INC-([0-9]{{1,18}}):([0-9]{{1,9}}):([0-9a-f]{{0,64}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Press:
    """One answer ready to be given: to attempt `attempt` of incident `incident`, as `digest` showed it ("" for any)."""

    word: Word
    incident: int
    attempt: int
    digest: str = ""

    @property
    def name(self) -> str:
        """The attempt as people write it."""
        return f"INC-{self.incident}/{self.attempt}"

    @property
    def value(self) -> str:
        """What a button carries."""
        return f"{self.word}:INC-{self.incident}:{self.attempt}:{self.digest}"

    @property
    def command(self) -> str:
        """What a person types instead of pressing a button."""
        if self.word in ("happened", "not-happened"):
            return f"responder settle {self.name} {self.word}"
        reason = ' --reason "..."' if self.word == "break-glass" else ""
        shown = f" --digest {self.digest[:_SHOWN_DIGEST]}" if self.digest and self.word in _OF_A_PREVIEW else ""
        return f"responder {self.word} {self.name}{shown}{reason}"


_OF_A_PREVIEW = frozenset({"approve", "break-glass"})


def press_of(value: str) -> Press | None:
    """Read what a button carried; None for anything else."""
    found = _VALUE.fullmatch(value)
    if found is None:
        return None
    word = next(each for each in WORDS if each == found[1])
    return Press(word, int(found[2]), int(found[3]), found[4])
