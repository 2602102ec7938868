"""The commands that a person would type, every value quoted for the shell, for actions to show."""

import re
import shlex

from responder.model.target import Target

WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
"""The kinds that roll out."""

_NAME = re.compile(r"[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?", re.ASCII)


def shell(*words: str) -> str:
    """Join words to one command line; each stays one word whatever it holds."""
    return shlex.join(words)


def kubectl(*words: str, namespace: str = "") -> str:
    """Return a kubectl command line; namespace "" leaves it to the context."""
    return shlex.join(("kubectl", *words, *(("-n", namespace) if namespace else ())))


def reference(target: Target) -> str:
    """Name an object as kubectl takes it: `deployment/api`."""
    return f"{target.kind.lower()}/{target.name}"


def workload(target: Target) -> str:
    """Name the workload of the target: itself, or for a pod the owner that its name tells of."""
    if target.kind in WORKLOADS or not target.workload:
        return reference(target)
    return f"deployment/{target.workload}"


def container_name(*candidates: str) -> str:
    """Return the first that an object can be called: of labels may come `*`, which means all, and flags. Else ""."""
    return next((name for name in candidates if _NAME.fullmatch(name)), "")


def variable(source: str) -> str:
    """Name the shell variable that stands for a secret address: `"$MAIN_URL"` for the data source `main`."""
    name = "".join(char if char.isascii() and char.isalnum() else "_" for char in source).upper()
    return f'"${{{name}_URL}}"' if name[:1].isdigit() else f'"${name}_URL"'
