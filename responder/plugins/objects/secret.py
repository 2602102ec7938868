"""The value of a Secret's key copied from another's or set; no value leaves this module but to the API server."""

import base64

from responder.model.action import Change
from responder.model.resource import SECRETS
from responder.plugins.acting import Cluster
from responder.plugins.objects.edit import Edit
from responder.plugins.objects.seen import Object, Place, Seen, look
from responder.plugins.rollout.plan import Operation
from responder.plugins.rollout.workload import pointer

_HIDDEN = "(hidden)"


def secret_place(cluster: str, namespace: str, name: str) -> Place:
    """Say where a Secret is."""
    return Place(cluster, SECRETS, "Secret", namespace, name)


async def copying(seen: Seen, key: str, *, source: str, source_key: str, cluster: Cluster) -> Edit:
    """Plan copying the value of a key of another Secret of the namespace. Raises: Missing, and as `Cluster.get`."""
    place = secret_place(seen.place.cluster, seen.place.namespace, source)
    other = await look(place, cluster)
    value = _data(other.found).get(source_key)
    where = f"key {source_key} of {place.reference}"
    there = _HIDDEN if key in _data(seen.found) else "(not there)"
    return Edit(
        summary=f"set key {key} of {seen.place} to what {where} holds",
        done=f"key {key} set to what {where} held",
        event="SecretChanged",
        operations=() if value is None else _operations(seen, key, value),
        holds=lambda found: value is not None and _data(found).get(key) == value,
        changes=(Change(f"key {key}", there, f"what {where} holds"),),
        # Versions and no digests: of a short value a digest tells too much.
        facts={"version": seen.version, "version of the source": other.version},
        refusal=_refusal(seen, key, value, where=where),
        wrote=("data", key),
        secret=True,
    )


def setting(seen: Seen, key: str, value: str) -> Edit:
    """Plan setting a key to a value that a person gave; whether it is the one there already is told to nobody."""
    encoded = base64.b64encode(value.encode()).decode()
    there = _HIDDEN if key in _data(seen.found) else "(not there)"
    return Edit(
        summary=f"set key {key} of {seen.place} to the secret that is given with the yes",
        done=f"key {key} set to the secret that was given",
        event="SecretChanged",
        operations=_operations(seen, key, encoded),
        holds=lambda found: _data(found).get(key) == encoded,
        changes=(Change(f"key {key}", there, "(given with the yes, hidden)"),),
        facts={"version": seen.version},
        refusal=_immutable(seen),
        wrote=("data", key),
        secret=True,
    )


def _operations(seen: Seen, key: str, value: str) -> tuple[Operation, ...]:
    if not _data(seen.found):
        return ({"op": "add", "path": "/data", "value": {key: value}},)
    return ({"op": "add", "path": pointer("data", key), "value": value},)


def _refusal(seen: Seen, key: str, value: str | None, *, where: str) -> str:
    if value is None:
        return f"There is no {where}"
    if refusal := _immutable(seen):
        return refusal
    same = _data(seen.found).get(key) == value
    return f"Key {key} of {seen.place} holds it already: nothing would change" if same else ""


def _immutable(seen: Seen) -> str:
    return f"{seen.place} is immutable: its owner replaces it by another one" if seen.found.get("immutable") else ""


def _data(found: Object) -> dict[str, str]:
    return found.get("data") or {}
