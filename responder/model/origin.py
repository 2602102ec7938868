"""Where in the rule files a thing was written."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """A place in a rule file; lines and columns count from 1, 0 means built in."""

    file: str = "built in"
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Show as editors understand it: `file:line:column`."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


BUILT_IN = Origin()
