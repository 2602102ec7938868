"""A Service as an address names it, and as the API server's proxy is asked for it."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from responder.model.resource import SERVICES
from responder.model.verdict import Json
from responder.plugins.acting import Cluster
from responder.plugins.objects.seen import Object


@dataclass(frozen=True, slots=True)
class Address:
    """`http://NAME.NAMESPACE.svc[:PORT]/PATH`, taken apart; `port` is "" where none is written."""

    scheme: str
    namespace: str
    name: str
    port: str
    path: str

    def asked(self, port: str) -> str:
        """Name the Service and its port as the proxy does: `api:80`, or `https:api:443`."""
        scheme = "https:" if self.scheme == "https" else ""
        return scheme + ":".join(filter(None, (self.name, port)))


@dataclass(frozen=True, slots=True)
class Door:
    """A Service that was found, and the number of its port; `refusal` says why it cannot be asked."""

    found: Object
    port: str = ""
    refusal: str = ""

    @property
    def basis(self) -> dict[str, Json]:
        """Tell what must still hold when it is asked."""
        uid = (self.found.get("metadata") or {}).get("uid")
        return {"service uid": str(uid), "port": self.port} if uid else {}


def address_of(url: str) -> Address:
    """
    Take an address apart.

    Raises: ValueError for one that names no Service, or whose path leads out of it.
    """
    parts = urlsplit(url)
    labels = (parts.hostname or "").split(".")
    if len(labels) < 3 or labels[2] != "svc":
        raise ValueError("with `via: service` write http://SERVICE.NAMESPACE.svc[:PORT]/PATH")
    if any(segment in (".", "..") for segment in re.split(r"[/\\]", unquote(parts.path))):
        raise ValueError("with `via: service` the path must not lead out of the Service: leave `.` and `..` out")
    query = f"?{parts.query}" if parts.query else ""
    return Address(parts.scheme, labels[1], labels[0], str(parts.port or ""), f"{parts.path or '/'}{query}")


async def door_of(address: Address, cluster: Cluster) -> Door:
    """
    Find a Service and its port: the only one, where none is written.

    The proxy takes a number, or the name, which "" is one of: without a port it finds nothing behind a named one.
    Source: apiserver, `registry/core/service/storage`, `ResourceLocation`. Raises: CallError.
    """
    found = await cluster.get(SERVICES, address.namespace, address.name)
    where = f"Service {address.name} in {address.namespace}"
    if found is None:
        return Door({}, refusal=f"there is no {where}")
    found = {"kind": "Service", "apiVersion": "v1", **found}
    ports = [str(each.get("port")) for each in (found.get("spec") or {}).get("ports") or ()]
    named = ", ".join(ports) or "none"
    if address.port:
        missing = "" if address.port in ports else f"the {where} has no port {address.port}; there are: {named}"
        return Door(found, address.port, missing)
    if len(ports) != 1:
        return Door(found, refusal=f"write the port of the {where} into the url; there are: {named}")
    return Door(found, ports[0])
