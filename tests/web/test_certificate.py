"""A renewed certificate is taken without a restart; a broken one never replaces one that works."""

import asyncio
import shutil
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from responder.errors import ConfigError
from responder.settings.sections import ServerTls
from responder.web.certificate import Certificate, certificate_of
from tests.servers.certificates import Authority
from tests.servers.certificates import Certificate as Issued


async def shown(ours: Certificate) -> bytes:
    """Return the certificate that a new connection is shown."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=ours.context)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    async with server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), ssl=context)
        found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
    assert isinstance(found, bytes)
    return found


def wire(issued: Issued) -> bytes:
    return ssl.PEM_cert_to_DER_cert(issued.certificate.read_text())


async def test_a_renewed_certificate_is_taken_and_a_broken_one_is_not(authority: Authority, tmp_path: Path) -> None:
    first, second, third = (authority.issue(name) for name in ("first", "second", "third"))
    certificate, key = tmp_path / "tls.pem", tmp_path / "tls.key"
    shutil.copy(first.certificate, certificate)
    shutil.copy(first.key, key)
    ours = certificate_of(ServerTls(certificate=certificate, key=key))
    assert ours is not None
    assert await shown(ours) == wire(first)
    shutil.copy(second.certificate, certificate)
    ours.renew()
    assert await shown(ours) == wire(first)
    shutil.copy(second.key, key)
    ours.renew()
    assert await shown(ours) == wire(second)
    key.write_text("nonsense")
    shutil.copy(third.certificate, certificate)
    ours.renew()
    assert await shown(ours) == wire(second)


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(authority: Authority, tmp_path: Path) -> None:
    issued = authority.issue("locked")
    key = serialization.load_pem_private_key(issued.key.read_bytes(), None)
    locked = tmp_path / "locked.key"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"hush"),
        )
    )
    with pytest.raises(ConfigError, match="without a passphrase"):
        certificate_of(ServerTls(certificate=issued.certificate, key=locked))
