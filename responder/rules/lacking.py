"""All that the rules name or need and the settings lack; the rest works without."""

from responder.model.ruleset import RuleSet
from responder.plugins.registry import Registry
from responder.rules.missing import missing
from responder.rules.powerless import House, powerless
from responder.rules.problems import Problem
from responder.settings.names import names
from responder.settings.process import Settings


def lacking(ruleset: RuleSet, registry: Registry, settings: Settings) -> tuple[Problem, ...]:
    """Warn of each: names first, then what actions need, both in the order of the files."""
    named = missing(ruleset, names(settings), settings.cluster_label)
    return (*named, *powerless(ruleset, registry, house_of(settings)))


def house_of(settings: Settings) -> House:
    """Return what the settings give to actions."""
    return House(
        automation=settings.automation.mode,
        people={name: tuple(person.roles) for name, person in settings.people.items()},
        programs=tuple(settings.actions.programs),
    )
