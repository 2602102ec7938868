"""What an action would change, and what stands in its way, as part of the living message."""

from collections.abc import Iterator

from responder.model.action import Attempt, Preview
from responder.model.message import Block, Code, Field, Fields, Item, Listing, Note, Own, Paragraph, Text
from responder.model.secrecy import HIDDEN, held_of
from responder.model.verdict import Json
from responder.response.wording import bold, count, listed, outside

_MOST_CHANGES = 12
_MOST_TOUCHED = 6
_LONGEST_COMMAND = 1500


def plan(attempt: Attempt) -> Iterator[Block]:
    """Show what people decide on: what is in the way, the changes, the inputs, the commands."""
    blocks = dict.fromkeys(filter(None, (attempt.forbidden, *attempt.blocks)))
    if blocks:
        yield Listing("What stands in the way", tuple(Item((outside(why),)) for why in blocks))
    if attempt.wants:
        yield Listing("Needs inputs", tuple(Item((outside(told),)) for told in attempt.wants))
    if attempt.reason:
        yield Note((Own("Reason given: "), outside(attempt.reason)))
    for step in attempt.steps:
        if step.preview is not None and not step.preview.refusal:
            yield from _preview(step.preview)
    if attempt.inputs:
        named = ((name, outside(_told(value), code=True)) for name, value in attempt.inputs.items())
        yield Fields(tuple(Field(name, (value,)) for name, value in named))
    commands = [command for step in attempt.steps for command in step.commands]
    if commands and not attempt.forbidden:
        yield Code(tuple(outside(line, limit=_LONGEST_COMMAND).text for line in commands))


def _preview(preview: Preview) -> Iterator[Block]:
    if preview.summary:
        yield Paragraph((Own("Would "), outside(preview.summary)))
    changes = [*preview.changes[:_MOST_CHANGES]]
    if changes:
        items = tuple(Item(_change(change.what, change.before, change.after)) for change in changes)
        yield Listing("Changes", items)
        if len(preview.changes) > len(changes):
            yield Note((Own(f"and {count(len(preview.changes) - len(changes), 'more change')}"),))
    facts = tuple(_facts(preview))
    if facts:
        yield Fields(facts)
    for warning in preview.warnings:
        yield Note((bold("Beware: "), outside(warning)))


def _change(what: str, before: str, after: str) -> Text:
    name = outside(what)
    if not before and not after:
        return (name,)
    was = outside(before, code=True) if before else Own("nothing", "italic")
    becomes = outside(after, code=True) if after else Own("nothing", "italic")
    return (name, Own(": "), was, Own(" → "), becomes)


def _facts(preview: Preview) -> Iterator[Field]:
    if preview.disruption:
        yield Field("Disruption", (outside(preview.disruption),))
    if preview.pods is None:
        yield Field("Pods", (Own("nobody knows how many it disturbs"),))
    elif preview.pods:
        of = f" of {preview.replicas}" if preview.replicas else ""
        names = (
            (Own(": "), *listed(outside(n, code=True) for n in preview.touches[:_MOST_TOUCHED]))
            if preview.touches
            else ()
        )
        yield Field("Pods", (Own(f"{preview.pods}{of}, {preview.ready} ready"), *names))
    if preview.budgets:
        yield Field("Disruption budgets", listed(outside(budget) for budget in preview.budgets))
    if preview.owner:
        way = (Own("; its own way: "), outside(preview.owner_way, code=True)) if preview.owner_way else ()
        yield Field("Will be undone by", (outside(preview.owner), *way))
    if not preview.dry_run and not preview.refusal:
        yield Field("Dry run", (Own("none: nobody can try it without doing it"),))


def _told(value: Json) -> str:
    if held_of(value) is not None:
        return HIDDEN
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
