"""What the API server in `kubernetes.py` stores, with the rules by which it lets objects be written."""

import copy
import json
import re
import secrets
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.servers import kubernetes_errors as errors
from tests.servers.kubernetes_defaults import check, fill, forget_status
from tests.servers.kubernetes_fields import apply, sign
from tests.servers.kubernetes_kinds import BY_NAME, Kind

Object = dict[str, Any]
Key = tuple[str, str, str]

_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_SERVER_SET = (
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
)


@dataclass(frozen=True)
class Denial:
    """An admission webhook that refuses writes to a kind, dry runs too."""

    kind: str
    why: str
    verbs: tuple[str, ...] = ("CREATE", "UPDATE", "DELETE")
    hook: str = "policy.example"
    code: int = 403


class Objects:
    """
    Objects by kind, namespace and name; every change gets the next resource version.

    With `dry_run` everything is checked and answered as usual, and nothing is kept. `now` is the server's clock.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.now = now
        self.version = 100
        self.denials: list[Denial] = []
        self._stored: dict[str, dict[Key, Object]] = {}
        for name in ("default", "kube-system"):
            self.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def seed(self, found: Object) -> Object:
        """Put an object as it is, status and times included, as if controllers and kubelets had written it."""
        kind = BY_NAME[found["apiVersion"], found["kind"]]
        stored = copy.deepcopy(found)
        metadata = stored["metadata"]
        if kind.namespaced:
            metadata.setdefault("namespace", "default")
            self.seed_namespace(metadata["namespace"])
        metadata.setdefault("uid", str(uuid.uuid4()))
        metadata.setdefault("creationTimestamp", self.stamp())
        if kind.counted:
            metadata.setdefault("generation", 1)
        fill(kind, stored)
        self._keep(kind, stored)
        return copy.deepcopy(stored)

    def seed_namespace(self, name: str) -> None:
        """Make a namespace with the service account that pods need, unless it is there."""
        if ("Namespace", "", name) not in self._stored.get("Namespace", {}):
            self.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}}
            self.seed(account)

    def all(self, kind: Kind, namespace: str = "") -> Iterator[Object]:
        """Yield copies, sorted by namespace and name."""
        stored = self._stored.get(kind.kind, {})
        for key in sorted(stored):
            if not namespace or key[1] == namespace:
                yield copy.deepcopy(stored[key])

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """Read a copy. Raises 404."""
        found = self._stored.get(kind.kind, {}).get((kind.kind, namespace, name))
        if found is None:
            raise errors.not_found(kind, name)
        return copy.deepcopy(found)

    def create(
        self,
        kind: Kind,
        namespace: str,
        body: Object,
        *,
        dry_run: bool = False,
        agent: str = "test",
        applied: Object | None = None,
    ) -> Object:
        """Store a new object, its status forgotten. Raises 400, 403, 404, 409 or 422 as the real server."""
        fresh = copy.deepcopy(body)
        _check_kind(kind, fresh)
        metadata = fresh.setdefault("metadata", {})
        self._check_namespace(kind, namespace, metadata)
        for name in (*_SERVER_SET, "resourceVersion"):
            metadata.pop(name, None)
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + secrets.token_hex(3)[:5]
        name = str(metadata.get("name", ""))
        _check_name(kind, name)
        if (kind.kind, namespace, name) in self._stored.get(kind.kind, {}):
            raise errors.already_exists(kind, name)
        metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": self.stamp()}
        if kind.counted:
            metadata["generation"] = 1
        forget_status(kind, fresh)
        fill(kind, fresh)
        check(kind, fresh, None)
        self._admit(kind, namespace, fresh)
        if applied is None:
            sign(None, fresh, self._entry(kind, agent, "Update"))
        else:
            metadata["managedFields"] = body["metadata"]["managedFields"]
        return self._answer(kind, fresh, dry_run=dry_run)

    def apply(
        self, kind: Kind, namespace: str, body: Object, *, manager: str, force: bool, dry_run: bool
    ) -> tuple[Object, bool]:
        """Apply a configuration; answers whether the object is new. Raises 409 over other managers' fields."""
        _check_kind(kind, body)
        metadata = body.setdefault("metadata", {})
        if metadata.get("managedFields"):
            raise errors.bad_request("metadata.managedFields must be nil")
        key = (kind.kind, namespace, str(metadata.get("name", "")))
        before = copy.deepcopy(self._stored.get(kind.kind, {}).get(key))
        entry = self._entry(kind, manager, "Apply")
        after = apply(kind, before, body, entry, force=force)
        if before is None:
            return self.create(kind, namespace, after, dry_run=dry_run, applied=entry), True
        after["metadata"].pop("resourceVersion", None)
        if metadata.get("resourceVersion"):
            after["metadata"]["resourceVersion"] = metadata["resourceVersion"]
        return self.update(kind, before, after, patched=True, dry_run=dry_run, applied=entry), False

    def update(
        self,
        kind: Kind,
        before: Object,
        body: Object,
        *,
        subresource: str = "",
        patched: bool = False,
        dry_run: bool = False,
        agent: str = "test",
        applied: Object | None = None,
    ) -> Object:
        """
        Replace an object, or its status alone. Raises 400, 409 or 422 as the real server.

        A foreign uid is a failed precondition in a PUT, and an immutable field where it was `patched`.
        """
        name = before["metadata"]["name"]
        _check_kind(kind, body)
        after = copy.deepcopy(body)
        metadata = after.setdefault("metadata", {})
        if metadata.get("name") != name:
            message = f"the name of the object ({metadata.get('name')}) does not match the name on the URL ({name})"
            raise errors.bad_request(message)
        wanted = metadata.get("resourceVersion")
        if wanted and wanted != before["metadata"]["resourceVersion"]:
            raise errors.conflict(kind, name, errors.MODIFIED)
        uid = before["metadata"]["uid"]
        if metadata.get("uid", uid) != uid:
            if not patched:
                why = f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: {uid}"
                raise errors.conflict(kind, name, why)
            raise errors.invalid(kind, name, "metadata.uid", f'Invalid value: "{metadata["uid"]}": field is immutable')
        after = _merge_scope(kind, before, after, subresource)
        check(kind, after, before)
        self._ask_hooks(kind, "UPDATE", after)
        if _content(after) == _content(before):
            return before
        if kind.counted and _wants_another(kind, before, after, subresource):
            after["metadata"]["generation"] = before["metadata"]["generation"] + 1
        if applied is None:
            sign(before, after, self._entry(kind, agent, "Update", subresource))
        else:
            after["metadata"]["managedFields"] = body["metadata"]["managedFields"]
        return self._answer(kind, after, dry_run=dry_run)

    def delete(self, kind: Kind, found: Object, options: Object, *, dry_run: bool = False) -> Object:
        """Remove an object, or mark it where a kubelet or a finalizer must agree first. Raises 409."""
        metadata = found["metadata"]
        for field, value in (options.get("preconditions") or {}).items():
            if value != metadata.get(field):
                label = {"uid": "UID", "resourceVersion": "ResourceVersion"}[field]
                why = (
                    f"Precondition failed: {label} in precondition: {value}, {label} in object meta: {metadata[field]}"
                )
                raise errors.conflict(kind, metadata["name"], why)
        self._ask_hooks(kind, "DELETE", found)
        grace = options.get("gracePeriodSeconds")
        if grace is None:
            grace = found.get("spec", {}).get("terminationGracePeriodSeconds", 30) if kind.kind == "Pod" else 0
        waits = kind.kind == "Pod" and grace > 0 and found["spec"].get("nodeName")
        if dry_run:
            return found
        if waits or metadata.get("finalizers"):
            metadata.setdefault("deletionTimestamp", self.stamp(timedelta(seconds=grace)))
            metadata.setdefault("deletionGracePeriodSeconds", grace)
            self._keep(kind, found)
            return copy.deepcopy(found)
        self.remove(kind, metadata.get("namespace", ""), metadata["name"])
        return found

    def remove(self, kind: Kind, namespace: str, name: str) -> None:
        """Take an object out, whatever it says."""
        self._stored.get(kind.kind, {}).pop((kind.kind, namespace, name), None)
        self.version += 1

    def stamp(self, later: timedelta = timedelta(0)) -> str:
        """Write the server's time as `metav1.Time`: whole seconds."""
        return (self.now() + later).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _answer(self, kind: Kind, found: Object, *, dry_run: bool) -> Object:
        if dry_run:
            return found
        self._keep(kind, found)
        return copy.deepcopy(found)

    def _keep(self, kind: Kind, found: Object) -> None:
        self.version += 1
        metadata = found["metadata"]
        metadata["resourceVersion"] = str(self.version)
        found["apiVersion"], found["kind"] = kind.api_version, kind.kind
        key = (kind.kind, metadata.get("namespace", ""), metadata["name"])
        self._stored.setdefault(kind.kind, {})[key] = copy.deepcopy(found)

    def _check_namespace(self, kind: Kind, namespace: str, metadata: Object) -> None:
        if not kind.namespaced:
            return
        if metadata.setdefault("namespace", namespace) != namespace:
            raise errors.bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        if ("Namespace", "", namespace) not in self._stored["Namespace"]:
            raise errors.not_found(BY_NAME["v1", "Namespace"], namespace)

    def _admit(self, kind: Kind, namespace: str, found: Object) -> None:
        self._ask_hooks(kind, "CREATE", found)
        if kind.kind == "Namespace":
            return
        if kind.kind == "Pod":
            account = found["spec"].setdefault("serviceAccountName", "default")
            if ("ServiceAccount", namespace, account) not in self._stored.get("ServiceAccount", {}):
                why = f'error looking up service account {namespace}/{account}: serviceaccount "{account}" not found'
                raise errors.forbidden(kind, found["metadata"]["name"], why)
        if kind.kind == "Event" and (found["involvedObject"].get("namespace") or "default") != namespace:
            raise errors.invalid(
                kind, found["metadata"]["name"], "involvedObject.namespace", "does not match event.namespace"
            )

    def _ask_hooks(self, kind: Kind, verb: str, found: Object) -> None:
        for denial in self.denials:
            if denial.kind == kind.kind and verb in denial.verbs:
                message = f'admission webhook "{denial.hook}" denied the request: {denial.why}'
                raise errors.Refusal(denial.code, "Forbidden" if denial.code == 403 else "BadRequest", message)

    def _entry(self, kind: Kind, agent: str, operation: str, subresource: str = "") -> Object:
        entry: Object = {"manager": agent, "operation": operation, "apiVersion": kind.api_version}
        entry |= {"time": self.stamp(), "fieldsType": "FieldsV1"}
        return entry | ({"subresource": subresource} if subresource else {})


def _check_kind(kind: Kind, body: Any) -> None:
    if not isinstance(body, dict):
        raise errors.bad_request("the object provided is unrecognized (must be of type object)")
    if (body.get("kind"), body.get("apiVersion")) != (kind.kind, kind.api_version):
        given, wanted = f"{body.get('apiVersion')}, Kind={body.get('kind')}", f"{kind.api_version}, Kind={kind.kind}"
        raise errors.bad_request(f"the API version in the data ({given}) does not match the expected one ({wanted})")


def _check_name(kind: Kind, name: str) -> None:
    if not name:
        raise errors.invalid(kind, "", "metadata.name", "Required value: name or generateName is required")
    if not _NAME.fullmatch(name) or len(name) > 253:
        why = (
            f"Invalid value: {json.dumps(name)}: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric"
        )
        raise errors.invalid(kind, name, "metadata.name", why)


def _merge_scope(kind: Kind, before: Object, after: Object, subresource: str) -> Object:
    """Keep what this request cannot write: the status, or everything but it, and what only the server sets."""
    if subresource == "status":
        merged = copy.deepcopy(before)
        if "status" in after:
            merged["status"] = after["status"]
        if kind.counted and kind.api_version == "apps/v1" and "annotations" in after["metadata"]:
            merged["metadata"]["annotations"] = after["metadata"]["annotations"]
        return merged
    for name in (*_SERVER_SET, "resourceVersion", "namespace"):
        after["metadata"].pop(name, None)
        if name in before["metadata"]:
            after["metadata"][name] = copy.deepcopy(before["metadata"][name])
    if kind.status:
        after.pop("status", None)
        if "status" in before:
            after["status"] = copy.deepcopy(before["status"])
    fill(kind, after)
    return after


def _wants_another(kind: Kind, before: Object, after: Object, subresource: str) -> bool:
    """Whether a change counts in the generation: one of the spec, of a Deployment also one of its annotations."""
    if after.get("spec") != before.get("spec"):
        return True
    annotations = [found["metadata"].get("annotations") or {} for found in (before, after)]
    return kind.kind == "Deployment" and subresource != "status" and annotations[0] != annotations[1]


def _content(found: Object) -> Object:
    metadata = {
        key: value for key, value in found["metadata"].items() if key not in ("managedFields", "resourceVersion")
    }
    return {**found, "metadata": metadata}
