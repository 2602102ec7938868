"""Who we are at which API server, as far as replicas can compare it: what one may read, another may not see."""

from base64 import urlsafe_b64decode
from binascii import Error
from pathlib import Path

import orjson

from responder.settings.sections import KubernetesAccess

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def identity(access: KubernetesAccess, service_account: Path = SERVICE_ACCOUNT) -> str | None:
    """
    Return what tells cluster and login from others, secrets included: for digests only. None when it cannot be read.

    The token of a service account is another in each pod: there it is whom the token is for, and the cluster's CA.
    """
    try:
        if access.kubeconfig is not None:
            return f"{access.context}\0{access.kubeconfig.read_text()}"
        token = (service_account / "token").read_text()
        return f"{_subject(token)}\0{(service_account / 'ca.crt').read_text()}"
    except (OSError, ValueError, KeyError, IndexError, TypeError, Error):
        return None


def _subject(token: str) -> str:
    claims = token.split(".")[1]
    return str(orjson.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"])
