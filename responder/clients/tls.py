"""TLS contexts from the settings; files that were renewed on disk are read again."""

import ssl
from functools import lru_cache
from pathlib import Path

from responder.errors import WrongSettings
from responder.settings.sections import Tls


def context(tls: Tls) -> ssl.SSLContext:
    """
    Return the context for connections that we open.

    Raises: WrongSettings naming the file that cannot be used.
    """
    files = tuple(str(path) if path else "" for path in (tls.ca, tls.certificate, tls.key))
    return _build(files, tuple(_changed(path) for path in files), tls.insecure_skip_verify)


@lru_cache(maxsize=64)
def _build(files: tuple[str, ...], _changed_at: tuple[int, ...], insecure: bool) -> ssl.SSLContext:
    ca, certificate, key = files
    try:
        built = ssl.create_default_context(cafile=ca or None)
        if certificate:
            built.load_cert_chain(certificate, key or None, password=_no_password)
    except (OSError, ssl.SSLError, ValueError) as error:
        shown = ", ".join(path for path in files if path)
        raise WrongSettings(f"TLS files of the settings cannot be used ({shown}): {error}") from error
    if insecure:
        built.check_hostname = False
        built.verify_mode = ssl.CERT_NONE
    return built


def _no_password() -> str:
    """Stand in for the prompt on the terminal that OpenSSL would open for an encrypted key."""
    raise ValueError("the key is encrypted: store it without a passphrase")


def _changed(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns if path else 0
    except OSError:
        return 0
