"""Loads and checks rule files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from responder.model.ruleset import RuleSet
from responder.plugins.registry import Registry
from responder.rules import by_itself, consequences, evidence_first
from responder.rules.assembly import assemble
from responder.rules.packs import read_packs
from responder.rules.playbooks import Built
from responder.rules.problems import Gravity, Problem, Problems, RuleErrors
from responder.rules.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Report:
    """
    What a check found.

    `ruleset` is what could be made of the files, of use only without errors; `built` are the playbooks with their
    trees, for explanations.
    """

    problems: tuple[Problem, ...]
    files: tuple[str, ...]
    ruleset: RuleSet
    built: Mapping[str, Built] = field(default_factory=dict)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep the rules from being used."""
        return tuple(problem for problem in self.problems if problem.gravity is Gravity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The other problems."""
        return tuple(problem for problem in self.problems if problem.gravity is Gravity.WARNING)


def check(paths: Sequence[Path], registry: Registry) -> Report:
    """Find every problem in the rule files of the paths."""
    problems = Problems()
    sources = read_packs(paths, problems)
    assembly = assemble(sources, registry, problems)
    if not problems.fatal:
        evidence_first.check(assembly.built.values(), registry, problems)
        by_itself.check(assembly.built.values(), registry, problems)
        consequences.check(assembly.built.values(), registry, problems)
    files = tuple(source.file for source in sources)
    return Report(problems.sorted(), files, assembly.ruleset, assembly.built)


def load(paths: Sequence[Path], registry: Registry) -> Rulebook:
    """
    Load the rule files of the paths.

    Raises: RuleErrors with every error, each at its place.
    """
    report = check(paths, registry)
    if report.errors:
        raise RuleErrors(report.errors)
    return Rulebook(report.ruleset)
