"""
The one tree of errors; it imports nothing of ours.

A class docstring is the default message and names the cure. An SDK's exception is mapped to one of these once, in
`clients` or `store`, and kept as `__cause__`.
"""

from datetime import timedelta


class ResponderError(Exception):
    """Responder could not do what was asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or " ".join((type(self).__doc__ or "").split()))


class ConfigError(ResponderError):
    """The settings are wrong: correct responder.yaml or the RESPONDER_* variables and start again."""


class RuleError(ConfigError):
    """
    A rule file says something that cannot work: `responder check` shows where.

    `line` and `column` count from 1; 0 when the place is unknown.
    """

    def __init__(self, message: str, *, file: str = "", line: int = 0, column: int = 0, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        self.hint = hint


class ExpressionError(ResponderError):
    """
    An expression or a `${...}` template does not compile.

    `offset` counts characters from the start of the whole string that was compiled, from 0; -1 when unknown.
    """

    def __init__(self, message: str, *, offset: int = -1, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint


class RejectedDelivery(ResponderError):
    """The delivery can never be accepted as it is; the message says what to change at the sender."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class StoreUnavailable(ResponderError):
    """The store does not answer: check `database_url`. Nothing was accepted; Alertmanager keeps the alert."""


class IntakeFull(StoreUnavailable):
    """More deliveries wait for their commit than fit: send it again."""

    def __init__(self, message: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StoreRefused(ResponderError):
    """The store works but does not take this value; the same again would fail again."""


class StoreLocked(ConfigError):
    """Another responder process uses this SQLite file: stop it, or give this one its own `database_url`."""


class CallError(ResponderError):
    """An outside system could not be asked."""


class TransientError(CallError):
    """
    An outside system did not answer this time; the same call may work later.

    `delay` is how long the other side asked us to wait; None when it did not say.
    """

    def __init__(self, message: str | None = None, *, delay: timedelta | None = None) -> None:
        super().__init__(message)
        self.delay = delay


class NoRoom(TransientError):
    """An outside system is up, and has no connection left for us."""


class NotAsked(TransientError):
    """Nothing was asked: no connection came about, or none was tried for. The outside system has done nothing."""


class PermanentError(CallError):
    """An outside system refused, and will refuse again until somebody changes something."""


class MessageGone(PermanentError):
    """The message can no longer be edited: it was deleted, or is not ours. A new one can be sent."""


class Conflict(PermanentError):
    """The object has changed since it was read: read it again, and decide again."""


class Missing(PermanentError):
    """The object is not there (any more)."""


class Exists(PermanentError):
    """An object of that name is there already."""


class BudgetRefused(PermanentError):
    """A PodDisruptionBudget does not let the pod go now."""


class Unanswered(TransientError):
    """A change was asked for and no answer came: it may have been made."""


class Barred(PermanentError):
    """It may not be done any more: somebody else has taken it over, or it was stopped."""


class NotConfigured(PermanentError):
    """The system that this step reads is not in the settings."""


class NoTarget(PermanentError):
    """The alert names no workload: give it labels such as namespace and deployment, or the step a `target`."""


class NotLetIn(PermanentError):
    """The outside system does not accept our credentials: correct them in the settings."""


class WrongSettings(PermanentError):
    """The settings lead to another kind of system, or name a file that cannot be used: correct them."""


class UntrustedCertificate(PermanentError):
    """The other side's TLS certificate is not valid for us: renew it there, or name its authority in the settings."""
