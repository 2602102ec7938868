"""Types of parameters that several plugins take, with what may stand in them."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, Field

from responder.model.place import Place

Name = Annotated[str, Place.NAME, Field(pattern=r"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?$")]
"""The name of a Kubernetes object or namespace; "" where the target says it."""

Container = Annotated[str, Place.NAME, Field(pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$")]
"""The name of a container; "" for the only one, or the one named like the workload."""

DataKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,253}$")]
"""A key of a ConfigMap or Secret."""

EnvName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$")]
"""The name of an environment variable."""

Quantity = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$")]
"""A Kubernetes quantity: 500m, 2, 512Mi, 8Gi."""

SourceName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")]
"""The name of a data source or of credentials in the settings."""

PackPath = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$")]
"""A file of the pack, below its folder."""

_SHORTEST_PREFIX = {4: 8, 6: 16}


def _network(text: str) -> str:
    if "%" in text:
        raise ValueError("the zone of an address (%...) has no meaning in a network, and may hold anything")
    network = ip_network(text, strict=False)
    if network.prefixlen < _SHORTEST_PREFIX[network.version]:
        raise ValueError(f"{network} is too wide: at least /{_SHORTEST_PREFIX[network.version]}")
    return str(network)


Cidr = Annotated[str, AfterValidator(_network)]
"""A network in CIDR notation, or one address; never as wide as a continent."""
