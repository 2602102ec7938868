"""The contract of an action: one writing step. Here it can be named and shown; running it is another matter."""

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

from responder.model.target import Target
from responder.plugins.params import Params
from responder.plugins.rights import Verb

P = TypeVar("P", bound=Params)


class Action(ABC, Generic[P]):
    """
    One writing step. Subclasses set `name`, `Params` and `needs`; the class docstring is the manual.

    `kinds` are the kinds of target that it can act on; empty for one that has no target.
    """

    name: ClassVar[str]
    Params: ClassVar[type[Params]]
    needs: ClassVar[tuple[Verb, ...]] = ()
    kinds: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def command(self, params: P, target: Target) -> tuple[str, ...]:
        """
        Return the exact commands that a person would type instead, one a line, every value quoted for the shell.

        Pure: no I/O.
        """
