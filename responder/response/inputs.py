"""What people give as inputs of an action: typed as the playbook declares them, all there, and none that it refuses."""

from collections.abc import Mapping

from responder.model.verdict import Json
from responder.model.wanted import typed, wanted_of
from responder.response import proposals
from responder.response.draft import Draft


def taken(
    draft: Draft, declared: Mapping[str, Json], before: Mapping[str, Json], given: Mapping[str, Json]
) -> dict[str, Json] | str:
    """Return the inputs of `before` with those given among them, all of which are declared; else what is wrong."""
    inputs = dict(before)
    for name, value in given.items():
        try:
            inputs[name] = typed(wanted_of(declared[name]), value)
        except ValueError as error:
            return f"the input {name} cannot be taken: {error}"
    missing = proposals.missing(declared, inputs)
    if missing:
        return f"it needs the input {missing}"
    return _refused(draft, declared, inputs) or inputs


def _refused(draft: Draft, declared: Mapping[str, Json], inputs: Mapping[str, Json]) -> str:
    facts = proposals.with_inputs(draft.facts(), inputs)
    for name, source in _refusing(declared, inputs):
        verdict = draft.brain.evaluator.holds(source, facts)
        if verdict.undecided:
            return f"whether the input {name} may be so could not be decided: {verdict.undecided.why}"
        if verdict.holds:
            return f"the input {name} is never allowed to be so: {source}"
    return ""


def _refusing(declared: Mapping[str, Json], inputs: Mapping[str, Json]) -> list[tuple[str, str]]:
    """Return the expressions that refuse an input; where they cannot be read, one that always does."""
    found: list[tuple[str, str]] = []
    for name in inputs:
        try:
            found += [(name, source) for source in wanted_of(declared.get(name, {})).refuse]
        except ValueError:
            found.append((name, "true"))
    return found
