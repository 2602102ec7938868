"""The object that an incident is about, derived from labels alone."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """
    One object of one cluster.

    `kind` is a Kubernetes kind (`Deployment`, `Pod`, `Node`, ...) or "" when the alert names no object. `workload` is
    the name that correlation uses: the owner's name, which for a pod is guessed from the pod's own name and confirmed
    by the first diagnostic that can look.
    """

    cluster: str
    kind: str = ""
    namespace: str = ""
    name: str = ""
    workload: str = ""
    container: str = ""

    @property
    def known(self) -> bool:
        """Whether there is an object to look at."""
        return bool(self.kind and self.name)

    def __str__(self) -> str:
        """Show as kubectl writes it: `deployment/api` or `deployment/api in prod`."""
        if not self.known:
            return self.namespace or "no object"
        shown = f"{self.kind.lower()}/{self.name}"
        return f"{shown} in {self.namespace}" if self.namespace else shown
