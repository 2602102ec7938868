"""Lists of networks as settings hold them, one comma-separated text: added to and taken from, never rewritten."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

from responder.errors import PermanentError

Network = IPv4Network | IPv6Network


def added(before: str, networks: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """
    Add networks to a list; answers it with what is new in it. Those that it covers already are left out.

    Raises: PermanentError when what is there is no such list.
    """
    present = _parsed(before)
    new: list[Network] = []
    for network in map(_network, networks):
        if not any(_covers(other, network) for other in (*present, *new)):
            new.append(network)
    texts = tuple(str(network) for network in new)
    kept = before.rstrip().rstrip(",")
    return (",".join(filter(None, (kept, *texts))) if texts else before), texts


def removed(now: str, networks: Sequence[str]) -> str:
    """Take networks out of a list; what others have added since stays."""
    gone = {_network(network) for network in networks}
    parts = [part for part in now.split(",") if part.strip()]
    return ",".join(part for part in parts if _network(part) not in gone)


def holds(now: str, networks: Sequence[str]) -> bool:
    """Whether a list covers every one of the networks."""
    try:
        return not added(now, networks)[1]
    except PermanentError:
        return False


def _parsed(text: str) -> list[Network]:
    return [_network(part) for part in text.split(",") if part.strip()]


def _network(text: str) -> Network:
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        shown = text.strip()[:60]
        raise PermanentError(f"{shown!r} is no network: the key is not a comma-separated list of CIDRs") from None


def _covers(wide: Network, narrow: Network) -> bool:
    if isinstance(wide, IPv4Network):
        return isinstance(narrow, IPv4Network) and narrow.subnet_of(wide)
    return isinstance(narrow, IPv6Network) and narrow.subnet_of(wide)
