"""Who comes in, and over what: all of the door that can be wrong in the settings, read before anything is begun."""

from dataclasses import dataclass
from typing import Self

from responder.settings.process import Settings
from responder.web.access import Gate
from responder.web.certificate import Certificate, certificate_of


@dataclass(frozen=True, slots=True)
class Entrance:
    """The gate, and our certificate; None without TLS."""

    gate: Gate
    certificate: Certificate | None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """
        Build it.

        Raises: ConfigError when nobody is kept out and that is not written out, or TLS cannot work.
        """
        return cls(Gate(settings), certificate_of(settings.tls))
