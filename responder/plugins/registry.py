"""
Finds the plugins: the modules of the packages that `wiring` hands over, and the entry points of other distributions.

Heavy or optional things are not loaded here: a plugin module imports the contract and the model only.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from responder.errors import ConfigError
from responder.model.near import nearest
from responder.plugins.action import Action
from responder.plugins.diagnostic import Diagnostic
from responder.plugins.notifier import Notifier

ENTRY_POINTS = "responder.plugins"


@dataclass(frozen=True, slots=True)
class Registry:
    """Every plugin there is, by kind and name."""

    diagnostics: Mapping[str, Diagnostic[Any]]
    actions: Mapping[str, Action[Any]]
    notifiers: Mapping[str, Notifier[Any]]

    def suggest(self, name: str) -> str:
        """Return the known name that is most like this one, "" when none is."""
        known = [*self.diagnostics, *self.actions, *self.notifiers]
        return nearest(name, known)


def discover(packages: Iterable[ModuleType]) -> Registry:
    """
    Load every plugin of the packages and of the entry-point group `responder.plugins`.

    Raises: ConfigError when two plugins of one kind have the same name.
    """
    modules = [*_modules(packages), *(point.load() for point in entry_points(group=ENTRY_POINTS))]
    return Registry(
        diagnostics=_instances(modules, Diagnostic),
        actions=_instances(modules, Action),
        notifiers=_instances(modules, Notifier),
    )


def _modules(packages: Iterable[ModuleType]) -> Iterator[ModuleType]:
    for package in packages:
        for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(info.name)


def _instances(modules: Iterable[ModuleType], kind: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for module in modules:
        for member in vars(module).values():
            if not (isinstance(member, type) and issubclass(member, kind) and member.__module__ == module.__name__):
                continue
            name = getattr(member, "name", "")
            if not name:
                continue
            if name in found:
                raise ConfigError(
                    f"Two plugins are called {name}: {type(found[name]).__module__} and {module.__name__}"
                )
            found[name] = member()
    return dict(sorted(found.items()))
