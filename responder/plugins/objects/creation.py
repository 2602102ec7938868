"""An object made under a name of its own: previewed with the very request, made once, and removed again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from responder.errors import Conflict, Exists, Missing, PermanentError
from responder.model.action import Change, Outcome, Preview, Progress
from responder.model.management import FIELD_MANAGER
from responder.model.verdict import Json
from responder.plugins.acting import ATTEMPT, ActionTools
from responder.plugins.objects.isolation import incident_label
from responder.plugins.objects.manifest import told
from responder.plugins.objects.seen import Object, Place, Seen, look_for
from responder.plugins.rollout.fingerprint import digest
from responder.plugins.rollout.ownership import changed_by
from responder.plugins.rollout.plan import note_of
from responder.plugins.trying import tried
from responder.plugins.undone import is_undone, undone

_NOT_AS_LEFT = "written to by others"


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """
    An object to be made.

    `manifest` is all of it but our marks. `event` is the reason of the Kubernetes Event, "" for none, `done` what
    happened in words. `applied` sends it by server-side apply. `vanishes`: it may have been made and be gone again by
    itself.
    """

    place: Place
    manifest: Object
    summary: str
    done: str
    event: str
    applied: bool = False
    vanishes: bool = False

    def marked(self, tools: ActionTools) -> dict[str, Any]:
        """Return the manifest with the marks of the attempt."""
        metadata = dict(self.manifest.get("metadata") or {})
        metadata |= {"name": self.place.name}
        if self.place.namespace:
            metadata["namespace"] = self.place.namespace
        metadata["labels"] = {**(metadata.get("labels") or {}), **incident_label(tools.incident.id)}
        metadata["annotations"] = {**(metadata.get("annotations") or {}), ATTEMPT: tools.attempt}
        return {**self.manifest, "metadata": metadata}


async def preview_creation(creation: Creation, tools: ActionTools) -> Preview:
    """Say what would be made, and try it as a dry run. Raises: CallError when nobody could look."""
    place = creation.place
    there = await look_for(place, tools.kubernetes)
    refusal, dry_run = "", False
    if there is not None:
        refusal = f"{place} is there already, {_origin(there)}: it is not written over"
    else:
        refusal, dry_run = await tried(str(place), lambda: send(creation, tools, dry_run=True))
    return Preview(
        summary=creation.summary,
        changes=(Change(place.kind, "(not there)", place.name), *told(creation.manifest)),
        refusal=refusal,
        basis={"object": str(place), "there": there.uid if there else "", "manifest (digest)": _digest(creation)},
        undo={"object": str(place)},
        namespace=place.namespace,
        lock=place.lock,
        touches=(place.reference,),
        disruption="none: no pod is replaced or removed",
        dry_run=dry_run,
    )


async def create_once(creation: Creation, preview: Preview, tools: ActionTools) -> Outcome:
    """
    Make the object once; after a crash, or when it is there, see whether it is ours.

    Raises: CallError; `Unanswered` means that it may have happened.
    """
    place = creation.place
    if preview.basis.get("manifest (digest)") != _digest(creation):
        return Outcome("not_done", f"What would be made of {place} is not what was approved")
    there = await look_for(place, tools.kubernetes)
    if there is not None and not there.bears(tools.attempt):
        return Outcome("not_done", f"{place} is there already, {_origin(there)}: nothing was done")
    if there is not None:
        await _tell(there, creation.event, creation.done, tools)
        return _made(creation, there, found=True)
    if tools.retry and creation.vanishes:
        return Outcome("in_doubt", f"{place} is not there: it was never made, or it has ended and was cleaned up")
    try:
        made = Seen(place, await send(creation, tools))
    except Exists:
        return Outcome("not_done", f"{place} was made by others this moment: nothing was done")
    if creation.applied and (others := _writers(made)):
        return await _withdraw(creation, ", ".join(others), tools)
    await _tell(made, creation.event, creation.done, tools)
    return _made(creation, made)


async def remove(place: Place, before: Json, tools: ActionTools) -> Outcome:
    """
    Delete what was made, unless others have changed it since; gone already is done.

    Raises: CallError; `Unanswered` means that it may have happened.
    """
    recorded = before if isinstance(before, Mapping) else {}
    there = await look_for(place, tools.kubernetes)
    if there is None:
        return undone(Outcome("done", f"{place} is not there any more"))
    attempt = tools.attempt.removesuffix("/undo")
    ours = there.uid == recorded["uid"] if recorded.get("uid") else there.bears(attempt)
    if not ours:
        return Outcome("not_done", f"{place} is another one of that name by now: nothing is undone")
    touched = _writers(there) if recorded.get("left") is None else ()
    if touched or recorded.get("left") not in (None, _content(there.found)):
        who = ", ".join(touched) or changed_by(there.found)
        return Outcome("not_done", f"{place} was changed since by {who}: it is not removed over that")
    try:
        await tools.kubernetes.delete(place.resource, place.namespace, place.name, uid=there.uid)
    except (Conflict, Missing):
        return Outcome("not_done", f"{place} was removed or made anew this moment: look at it")
    await _tell(there, "Removed", "removed", tools)
    return undone(Outcome("done", f"{place} removed"))


async def _tell(seen: Seen, event: str, done: str, tools: ActionTools) -> None:
    """Write the Kubernetes Event, once however many tries; it outlives what it tells of."""
    if event:
        await tools.kubernetes.tell(seen.found, reason=event, note=note_of(done, tools), key=tools.attempt)


async def follow_creation(place: Place, outcome: Outcome, tools: ActionTools) -> Progress:
    """Say whether what was made still stands. Raises: CallError."""
    if is_undone(outcome):
        return Progress(outcome.say)
    there = await look_for(place, tools.kubernetes)
    if there is None or there.uid != outcome.basis.get("uid"):
        return Progress(f"{place} was removed", reverted=f"{place} was removed by others")
    if outcome.basis.get("left") not in (None, _content(there.found)):
        said = f"{place} was changed by {changed_by(there.found)}"
        return Progress(said, reverted=said)
    return Progress(outcome.say)


async def send(creation: Creation, tools: ActionTools, *, dry_run: bool = False) -> Object:
    """Send the request. Raises: Exists, and as `Cluster.create` and `Cluster.patch`."""
    place, body = creation.place, creation.marked(tools)
    if not creation.applied:
        return await tools.kubernetes.create(place.resource, place.namespace, body, dry_run=dry_run)
    try:
        return await _apply(place, body, tools, dry_run=dry_run)
    except Conflict as error:  # they had made it, and a field of ours says otherwise
        raise Exists(str(error)) from None


async def _apply(place: Place, body: Object, tools: ActionTools, *, dry_run: bool = False) -> Object:
    return await tools.kubernetes.patch(
        place.resource, place.namespace, place.name, dict(body), form="apply", dry_run=dry_run
    )


async def _withdraw(creation: Creation, others: str, tools: ActionTools) -> Outcome:
    """
    Take our fields out of what others made between our look and our request: it was merged into theirs.

    Server-side apply knows no condition that there be nothing yet; who applies less gives up what only he owned.
    Raises: as `Cluster.patch`.
    """
    place = creation.place
    bare = {key: creation.manifest[key] for key in ("apiVersion", "kind")}
    await _apply(place, bare | {"metadata": {"name": place.name, "namespace": place.namespace}}, tools)
    return Outcome("not_done", f"{place} was made by {others} this moment: nothing of ours is left in it")


def _made(creation: Creation, made: Seen, *, found: bool = False) -> Outcome:
    how = ", found by the mark of this attempt" if found else ""
    theirs = _writers(made) if found else ()
    also = f"; {', '.join(theirs)} has written to it, too, and it is not removed over that" if theirs else ""
    # Of what others have written to before it was read back, nobody knows how we left it.
    kept: dict[str, Json] = {**made.identity, "left": _NOT_AS_LEFT if theirs else _content(made.found)}
    return Outcome("done", f"{creation.place}: {creation.done}{how}{also}", undo=kept, basis=kept)


def _content(found: Object) -> str:
    """Return what tells whether somebody has changed what an object says; its status is no such thing."""
    return digest({key: value for key, value in found.items() if key not in ("metadata", "status")})


def _digest(creation: Creation) -> str:
    return digest(dict(creation.manifest))


def _origin(there: Seen) -> str:
    attempt = there.annotations.get(ATTEMPT)
    return f"made by {attempt}" if attempt else f"last changed by {changed_by(there.found)}"


def _writers(made: Seen) -> tuple[str, ...]:
    """Name the programs beside us that have written to what an object says; its status is no such thing."""
    entries = made.metadata.get("managedFields") or ()
    named = (str(entry.get("manager")) for entry in entries if not entry.get("subresource"))
    return tuple(dict.fromkeys(manager for manager in named if manager != FIELD_MANAGER))


def checked_name(name: str, limit: int = 253) -> str:
    """Return a name for an object. Raises: PermanentError for one that is too long."""
    if len(name) > limit:
        raise PermanentError(f"{name[:60]}… is too long for a name: at most {limit} characters")
    return name
