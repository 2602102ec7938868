"""The steps of an action's life, each by the request of a replica that begins it."""

from collections.abc import Callable, Mapping

from tests.crashes.platform import Platform, Request

Match = Callable[[Platform, str, Request], bool]
"""Whether a request about a namespace is such a one."""


def anything(platform: Platform, name: str, it: Request) -> bool:
    """Whatever is asked."""
    return True


def rehearses(platform: Platform, name: str, it: Request) -> bool:
    """It asks what a change would do."""
    return it.method == "PATCH" and it.dry_run


def writes(platform: Platform, name: str, it: Request) -> bool:
    """It changes something."""
    return it.method == "PATCH" and it.writes


def reads_back(platform: Platform, name: str, it: Request) -> bool:
    """It looks how the world follows the one change that was made."""
    return it.server == "kubernetes" and it.method == "GET" and platform.writes(name) == 1


def measures(platform: Platform, name: str, it: Request) -> bool:
    """It looks whether the one change that was made helps."""
    return it.server == "prometheus" and platform.writes(name) == 1


STEPS: Mapping[str, Match] = {
    "preview": rehearses,
    "check": rehearses,
    "effect": writes,
    "follow": reads_back,
    "verify": measures,
    "undo": writes,
}
