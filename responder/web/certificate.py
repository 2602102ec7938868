"""Our certificate: read before anything else, and again when its files were renewed."""

import ssl
from pathlib import Path

import structlog

from responder.errors import ConfigError
from responder.settings.sections import ServerTls

log = structlog.get_logger()


class Certificate:
    """
    The certificate of the door, its key, and who signs those of our callers.

    A client certificate is asked for but not required: probes have none, so that is checked per route.
    """

    def __init__(self, tls: ServerTls) -> None:
        """Raises: ConfigError when a file cannot be read or is not what it should be."""
        self._tls = tls
        self._seen = self._changed()
        self.context = _context(tls)

    def renew(self) -> None:
        """Take files that changed, for connections to come; while something is wrong with them, keep what works."""
        now = self._changed()
        if now == self._seen:
            return
        self._seen = now
        try:
            _context(self._tls)  # files of which one is renewed and one is not yet would spoil the context in use
            _load(self.context, self._tls)
        except ConfigError as error:
            log.error("certificate.refused", why=str(error))
        else:
            log.info("certificate.renewed")

    def _changed(self) -> tuple[tuple[int, int], ...]:
        files = (self._tls.certificate, self._tls.key, self._tls.client_ca)
        return tuple(_state(path) for path in files if path)


def certificate_of(tls: ServerTls) -> Certificate | None:
    """Read what the settings name; None without a certificate. Raises: ConfigError."""
    return Certificate(tls) if tls.certificate else None


def _context(tls: ServerTls) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    _load(context, tls)
    return context


def _load(context: ssl.SSLContext, tls: ServerTls) -> None:
    if not tls.certificate:
        return
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
        if tls.client_ca:
            context.load_verify_locations(tls.client_ca)
            context.verify_mode = ssl.CERT_OPTIONAL
    except (OSError, ssl.SSLError, ValueError) as error:
        raise ConfigError(f"tls: cannot use the certificate, key or client_ca: {error}") from error


def _no_password() -> str:
    """Stand in for the prompt on the terminal that OpenSSL would open for an encrypted key."""
    raise ValueError("the key is encrypted: store it without a passphrase")


def _state(path: Path) -> tuple[int, int]:
    """Return what tells one state of a file from another; a Secret of Kubernetes changes as a whole folder."""
    try:
        state = path.stat()
    except OSError:
        return (0, 0)
    return (state.st_ino, state.st_mtime_ns)
