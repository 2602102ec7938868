"""Addresses at the API server, built only from names that an object can have: labels are hostile input."""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote

from responder.errors import PermanentError
from responder.model.resource import Resource

Verb = Literal["get", "list", "create", "patch", "delete"]

_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_NAMESPACE = re.compile(_LABEL, re.ASCII)
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_PATH_SAFE = "/:@!$&'()*+,;=-._~%"


@dataclass(frozen=True, slots=True)
class Address:
    """An object, or a list of them, at the API server: what an address needs and what an error message names."""

    verb: Verb
    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def right(self) -> str:
        """Name the resource as RBAC does: `pods`, `pods/log`, `deployments.apps`."""
        resource = self.resource.plural + (f"/{self.subresource}" if self.subresource else "")
        return f"{resource}.{self.resource.group}" if self.resource.group else resource

    @property
    def path(self) -> str:
        """Build the path, without a slash at its end; every part is a checked name."""
        api = f"/apis/{self.resource.group}" if self.resource.group else "/api"
        parts = [f"{api}/{self.resource.version}"]
        if self.resource.namespaced and self.namespace:
            parts.append(f"namespaces/{quote(self.namespace, safe='')}")
        parts.append(self.resource.plural)
        if self.name:
            parts.append(quote(self.name, safe=""))
        if self.subresource:
            parts.append(self.subresource)
        return "/".join(parts)

    def __str__(self) -> str:
        """Say it for people: `list pods in prod`, `get deployments.apps api in prod`."""
        named = f" {self.name}" if self.name else ""
        return f"{self.verb} {self.right}{named}" + (f" in {self.namespace}" if self.namespace else "")


def valid_name(name: str) -> bool:
    """Whether an object of the kinds that we read can have this name (RFC 1123 subdomain)."""
    return len(name) <= 253 and _NAME.fullmatch(name) is not None


def valid_namespace(namespace: str) -> bool:
    """Whether a namespace can have this name (RFC 1123 label)."""
    return _NAMESPACE.fullmatch(namespace) is not None


def can_exist(resource: Resource, namespace: str, name: str) -> bool:
    """Whether an object of this kind can have this namespace and name."""
    return valid_name(name) and (not resource.namespaced or valid_namespace(namespace))


def proxy_path(address: Address, *, port: int, scheme: Literal["http", "https"], path: str) -> str:
    """
    Build the address of a pod's or a Service's own path behind the API server's proxy.

    `path` may be percent-encoded already. Raises: PermanentError for a path that would climb out of the pod.
    """
    if any(segment in (".", "..") for segment in re.split(r"[/\\]", unquote(path))):
        raise PermanentError(f"The path {path!r} must not contain . or .. as a segment")
    objects = Address("list", address.resource, address.namespace).path
    secure = "https:" if scheme == "https" else ""
    return f"{objects}/{secure}{quote(address.name, safe='')}:{port:d}/proxy/{quote(path.lstrip('/'), safe=_PATH_SAFE)}"
