"""Actions that people ask for outside the playbook: through the same preview, guards and approval as any other."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pydantic import BaseModel, ValidationError

from responder.errors import ExpressionError, ResponderError
from responder.expressions.places import strings
from responder.model.action import Attempt, Step
from responder.model.incident import Status
from responder.model.near import did_you_mean
from responder.model.place import Place
from responder.model.playbook import ActionStep
from responder.model.timeline import ActionAsked, AnswerRefused
from responder.model.verdict import Json
from responder.response import attempts, binding, making, named
from responder.response.ceilings import ceiling
from responder.response.draft import Draft
from responder.response.forbidding import forbids
from responder.response.proposals import find, with_inputs


def asked(draft: Draft, told: ActionAsked) -> None:
    """Make an attempt of what a person asks for, or write down why not."""
    known = draft.brain.action(told.plugin) is not None
    made = _made(draft, told) if known or find(draft, told.plugin) is None else named.made(draft, told)
    begun = making.by_hand(draft, made) if isinstance(made, Attempt) else made
    if isinstance(begun, str):
        draft.record(AnswerRefused(0, told.by, f"act {told.plugin}", begun))


def _made(draft: Draft, told: ActionAsked) -> Attempt | str:
    incident, brain = draft.incident, draft.brain
    model = brain.plugin_params(told.plugin)
    if model is None or brain.action(told.plugin) is None:
        names = [action.name for action in brain.playbook.actions]
        meant = did_you_mean(told.plugin, (*brain.actions, *names))
        there = f"; the playbook has {', '.join(names)}" if names else ""
        return f"no action is called {told.plugin}{meant}{there}"
    if barred := _barred(draft, told):
        return barred
    action, target = ActionStep(told.plugin, told.plugin), told.target or incident.target
    if target.cluster != incident.cluster:
        return f"the incident is about the cluster {incident.cluster}, not {target.cluster}"
    if any(place is Place.SECRET for _, _, place in strings(told.params, model)):
        return "a secret is given to an action of the playbook that asks for it, never by hand"
    try:
        params = _params(model, told.params)
        if forbidden := forbids(brain, told.plugin, params):
            return forbidden
        commands = brain.command_of(action, params, target)
        reached = brain.namespaces_of(action, params, target)
    except ValidationError as error:
        return _told(error, told.plugin, model)
    except (ValueError, ResponderError) as error:
        return str(error).partition("\n")[0]
    mode, why = ceiling(brain, incident, "approve", reached)
    if mode != "approve":
        return f"nothing may be done now, by hand neither: {why}"
    step = Step(told.plugin, told.plugin, params, target, tuple(commands))
    guards = binding.by_hand(draft, step)
    return _unmet(draft, told.plugin, guards) or Attempt(
        number=attempts.next_number(draft),
        name=told.plugin,
        steps=(replace(step, guards=guards),),
        mode="approve",
        proposed_at=draft.now,
        proposed_by=told.by,
        reason=told.reason,
        dry_run=brain.dry_run,
    )


def _barred(draft: Draft, told: ActionAsked) -> str:
    """Say why nobody may ask for it, whatever its parameters; "" when somebody may."""
    traits = draft.brain.action(told.plugin)
    if traits is not None and not traits.by_hand:
        why = "nobody reviews what is typed now"
        return f"{told.plugin} does only what rules say, as {why}; {named.instead(draft, told.plugin)}"
    if not told.by:
        return "it has to be known who asks"
    if draft.incident.status is Status.RESOLVED:
        return "the incident is resolved"
    return forbids(draft.brain, told.plugin)


def _unmet(draft: Draft, plugin: str, guards: Iterable[Mapping[str, Json]]) -> str:
    """Say which guard can never be met by hand, as it reads what only the playbook asks for; "" for none."""
    facts = with_inputs(draft.facts(), {})
    for guard in guards:
        when = str(guard.get("when") or "")
        if _reads_inputs(draft, when) and draft.brain.evaluator.holds(when, facts).undecided:
            return f"`{when}` binds it, and by hand nobody gives inputs; {named.instead(draft, plugin)}"
    return ""


def _reads_inputs(draft: Draft, when: str) -> bool:
    try:
        return bool(when) and "inputs" in draft.brain.evaluator.compile(when).variables
    except ExpressionError:
        return False  # what cannot be read is refused by the guards


def _params(model: type[BaseModel], given: Mapping[str, Json]) -> Mapping[str, Json]:
    """Check what was given, which is data and never a template. Raises: pydantic's ValidationError."""
    return model.model_validate(dict(given)).model_dump(mode="json", exclude_unset=True)


def _told(error: ValidationError, plugin: str, model: type[BaseModel]) -> str:
    """Say what is wrong with the first parameter that is."""
    first = error.errors(include_url=False, include_input=False)[0]
    name = ".".join(map(str, first["loc"])) or "its parameters"
    if first["type"] == "extra_forbidden":
        known = [field.alias or key for key, field in model.model_fields.items()]
        takes = f"; it takes {', '.join(known)}" if known else ", and none at all"
        return f"{name}: {plugin} takes no such parameter{did_you_mean(name, known)}{takes}"
    said = first["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    said = said.replace("a valid dictionary", "an object").replace("a valid list", "a list")
    return f"{name}: {said.replace('Field required', 'is missing').partition(', unable to parse')[0]}"
