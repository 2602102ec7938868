"""How it is said that the cluster does not grant us a right, so that whoever reads it can tell and name the cure."""

MAY_NOT = "Responder may not do it"
"""How a refusal begins."""
BY_RBAC = "grant it by RBAC"
"""How an error ends."""


def lacks_right(said: str) -> bool:
    """Whether a refusal is about a right that is missing at the Kubernetes API."""
    return said.startswith(MAY_NOT) or BY_RBAC in said
