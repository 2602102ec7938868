"""Keys of a ConfigMap set, or added to, and put back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from responder.errors import PermanentError
from responder.model.action import Change
from responder.model.resource import CONFIG_MAPS
from responder.model.verdict import Json
from responder.plugins.objects import networks
from responder.plugins.objects.edit import Edit
from responder.plugins.objects.seen import Object, Place, Seen
from responder.plugins.rollout.fingerprint import digest
from responder.plugins.rollout.plan import Operation
from responder.plugins.rollout.workload import pointer

_SHOWN = 300
"""Characters of a value that are shown."""
_LARGEST_KEPT = 64 * 1024
"""Characters of a value of before that are kept for putting it back."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of a ConfigMap: keys with their texts, and networks to be in the list of a key."""

    texts: Mapping[str, str] = field(default_factory=dict)
    cidrs: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def plan(self, seen: Seen) -> Edit:
        """Plan the change."""
        try:
            after, new = self._after(seen)
        except PermanentError as error:
            return _edit(seen, {}, refusal=f"{seen.place}: {error}")
        undo: dict[str, Json] = {"before": {key: _data(seen.found).get(key) for key in self.texts}}
        undo |= {"left": {key: digest(text) for key, text in self.texts.items()}, "added": new}
        undo |= {"absent": [key for key in new if key not in _data(seen.found)]}
        edit = replace(_edit(seen, after, refusal=_refusal(seen, after)), facts=self._facts(seen, after, new))
        if any(len(_data(seen.found).get(key) or "") > _LARGEST_KEPT for key in self.texts):
            return replace(edit, warnings=("It cannot be undone: a value of before is too large to be kept",))
        return replace(edit, undo=undo, holds=self.held_by)

    def held_by(self, found: Object) -> bool:
        """Whether a ConfigMap bears what is wanted."""
        data = _data(found)
        texts = all(data.get(key) == text for key, text in self.texts.items())
        return texts and all(networks.holds(data.get(key, ""), wanted) for key, wanted in self.cidrs.items())

    def _facts(self, seen: Seen, after: Mapping[str, str], new: Mapping[str, Json]) -> dict[str, Json]:
        """Tell what must hold still; a list that others add to meanwhile is added to all the same."""
        data = _data(seen.found)
        # What a key holds now is approved by its digest: it may be long.
        texts: dict[str, Json] = {f"{key} (digest)": digest(data.get(key)) for key in after if key in self.texts}
        return texts | {f"new in {key}": ", ".join(map(str, fresh)) for key, fresh in new.items() if _listed(fresh)}

    def _after(self, seen: Seen) -> tuple[dict[str, str], dict[str, Json]]:
        data, after, new = _data(seen.found), dict(self.texts), {}
        for key, wanted in self.cidrs.items():
            text, fresh = networks.added(after.get(key, data.get(key, "")), wanted)
            if fresh:
                after[key] = text
                new[key] = list(fresh)
        changed = {key: text for key, text in after.items() if data.get(key) != text}
        return changed, dict(new)


def restoration(seen: Seen, before: Mapping[str, Json]) -> Edit:
    """Plan putting back what `Wanted.plan` recorded; its refusal says which key others have changed since."""
    data = _data(seen.found)
    old, left, new = (_mapping(before.get(name)) for name in ("before", "left", "added"))
    foreign = [key for key, was in left.items() if digest(data.get(key)) != was]
    if foreign:
        who = ", ".join(foreign)
        return _edit(seen, {}, refusal=f"{seen.place}: {who} was changed by others since")
    after: dict[str, str | None] = {key: text if isinstance(text, str) else None for key, text in old.items()}
    absent = before.get("absent")
    were_absent = absent if isinstance(absent, list | tuple) else ()
    try:
        for key, items in new.items():
            if key in after or key not in data:
                continue
            rest = networks.removed(data[key], [str(item) for item in items or ()] if _listed(items) else [])
            after[key] = None if not rest and key in were_absent else rest
    except PermanentError as error:
        return _edit(seen, {}, refusal=f"{seen.place}: {error}")
    changed = {key: text for key, text in after.items() if data.get(key) != text}
    edit = _edit(seen, changed, refusal="" if changed else f"{seen.place} is as it was before")
    return replace(edit, done=f"{', '.join(changed)} put back", event="PutBack")


def place_of(cluster: str, namespace: str, name: str) -> Place:
    """Say where a ConfigMap is."""
    return Place(cluster, CONFIG_MAPS, "ConfigMap", namespace, name)


def _edit(seen: Seen, after: Mapping[str, str | None], *, refusal: str) -> Edit:
    data = _data(seen.found)
    return Edit(
        summary=f"set {', '.join(after) or 'nothing'} of {seen.place}",
        done=f"{', '.join(after)} set",
        event="ConfigurationChanged",
        operations=_operations(seen, after),
        holds=lambda found: all(_data(found).get(key) == text for key, text in after.items()),
        changes=tuple(Change(key, _show(data.get(key)), _show(text)) for key, text in after.items()),
        refusal=refusal,
        wrote=("data", next(iter(after), "")),
    )


def _operations(seen: Seen, after: Mapping[str, str | None]) -> Sequence[Operation]:
    if not _data(seen.found):
        return ({"op": "add", "path": "/data", "value": {k: text for k, text in after.items() if text is not None}},)
    sets: list[Operation] = [
        {"op": "add", "path": pointer("data", key), "value": text} for key, text in after.items() if text is not None
    ]
    gone: list[Operation] = [{"op": "remove", "path": pointer("data", k)} for k, text in after.items() if text is None]
    return (*sets, *gone)


def _refusal(seen: Seen, after: Mapping[str, str]) -> str:
    if not after:
        return f"{seen.place} is so already: nothing would change"
    if seen.found.get("immutable"):
        return f"{seen.place} is immutable: its owner replaces it by another one"
    binary = [key for key in after if key in (seen.found.get("binaryData") or {})]
    return f"{seen.place} holds {', '.join(binary)} as binary data" if binary else ""


def _data(found: Object) -> Mapping[str, str]:
    return found.get("data") or {}


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _listed(value: Json) -> bool:
    return isinstance(value, list | tuple)


def _show(text: str | None) -> str:
    if text is None:
        return "(not there)"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"
