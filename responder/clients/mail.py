"""Mail by SMTP. The library blocks, so each mail is sent in a thread."""

import asyncio
import smtplib
import ssl
from datetime import timedelta
from email.message import EmailMessage
from email.utils import formatdate
from hashlib import sha256

from responder.clients.render_values import cut, one_line
from responder.errors import CallError, NotLetIn, PermanentError, TransientError, UntrustedCertificate
from responder.model.outside import Letter
from responder.settings.sections import MailServer

TIMEOUT = timedelta(seconds=20)
"""Of each exchange with the server."""
_SUBJECT = 200


class Mail:
    """One mail server."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def send(self, letter: Letter) -> None:
        """
        Hand a mail to the server.

        Raises: TransientError, PermanentError when the server refuses it for good.
        """
        try:
            await asyncio.to_thread(self._send, _compose(letter, self._server.sender), letter.to)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise _explained(error) from error

    async def check(self) -> None:
        """Log in and leave again; nothing is sent. Raises: TransientError, PermanentError."""
        try:
            await asyncio.to_thread(self._visit)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise _explained(error) from error

    def _visit(self) -> None:
        with self._connect() as connection:
            self._log_in(connection)
            connection.noop()

    def _send(self, message: EmailMessage, to: tuple[str, ...]) -> None:
        with self._connect() as connection:
            self._log_in(connection)
            connection.send_message(message, from_addr=self._server.sender, to_addrs=to)

    def _log_in(self, connection: smtplib.SMTP) -> None:
        if self._server.tls == "starttls":
            connection.starttls(context=ssl.create_default_context())
        if self._server.username and self._server.password:
            connection.login(self._server.username, self._server.password.get_secret_value())

    def _connect(self) -> smtplib.SMTP:
        host, port, seconds = self._server.host, self._server.port, TIMEOUT.total_seconds()
        if self._server.tls == "tls":
            return smtplib.SMTP_SSL(host, port, timeout=seconds, context=ssl.create_default_context())
        return smtplib.SMTP(host, port, timeout=seconds)


def _compose(letter: Letter, sender: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = ", ".join(letter.to)
    message["Subject"] = cut(one_line(letter.subject), _SUBJECT)
    message["Date"] = formatdate()
    message["Message-ID"] = _identity(letter.key)
    message["References"] = _identity(letter.thread)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


def _identity(key: str) -> str:
    """The same key gives the same id, so that a repeated mail can be told for what it is."""
    return f"<{sha256(key.encode()).hexdigest()[:32]}@responder.invalid>"


def _explained(error: Exception) -> CallError:
    match error:
        case smtplib.SMTPAuthenticationError(smtp_code=code) if code >= 500:
            return NotLetIn("the mail server does not accept mail.username and mail.password of the settings")
        case smtplib.SMTPNotSupportedError():
            return PermanentError("the mail server does not offer what mail.tls or mail.username asks for")
        case smtplib.SMTPRecipientsRefused(recipients=refused):
            final = all(code >= 500 for code, _ in refused.values())
            text = f"the mail server refuses {', '.join(sorted(refused))}"
            return PermanentError(text) if final else TransientError(text)
        case smtplib.SMTPResponseException(smtp_code=code, smtp_error=said):
            shown = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
            text = f"the mail server answered {code}: {one_line(shown)[:200]}"
            return PermanentError(text) if code >= 500 else TransientError(text)
        case ssl.SSLCertVerificationError():
            return UntrustedCertificate(
                "the mail server's certificate is not valid: correct it, or the trusted authorities"
            )
        case ValueError() if not isinstance(error, OSError):
            return PermanentError(f"the mail cannot be written: {str(error)[:200]}")
        case _:
            return TransientError(f"the mail server cannot be reached ({type(error).__name__})")
