"""Connections that go to the addresses that were looked at, and to no other."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from apps.tenants.addresses import is_loopback, is_public, resolve
from apps.tenants.exceptions import UnknownHostError
from apps.tenants.pinned import AddressBarredError, PinnedTransport
from apps.tenants.tests.http_server import http_server

NAME = "hooks.example"


def post(url: str, is_allowed: Callable[[str], bool], **more: Any) -> httpx2.Response:
    async def send() -> httpx2.Response:
        async with httpx2.AsyncClient(transport=PinnedTransport(is_allowed), timeout=5) as client:
            return await client.post(url, **more)

    return asyncio.run(send())


@pytest.fixture
def name_leads_to(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the machine's resolver answer for ``NAME`` with one list of addresses after the other."""
    real = socket.getaddrinfo

    def lead(*answers: Sequence[str]) -> None:
        left = list(answers)

        def answer(host: Any, port: Any, *args: Any, **options: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else host
            if name != NAME:
                return real(host, port, *args, **options)
            found = left.pop(0) if len(left) > 1 else left[0]
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found
            ]

        monkeypatch.setattr(socket, "getaddrinfo", answer)

    return lead


def test_the_name_stays_in_the_request_that_goes_to_the_address(
    name_leads_to: Callable[..., None],
) -> None:
    name_leads_to(["127.0.0.1"])
    with http_server() as receiver:
        port = receiver.url.rpartition(":")[2]
        answer = post(f"http://{NAME}:{port}/a%2Fb?key=1", is_loopback, content=b"text")
    assert answer.status_code == 204
    arrival = receiver.only
    assert (arrival.path, arrival.body) == ("/a%2Fb?key=1", b"text")
    assert arrival.headers["host"] == f"{NAME}:{port}"


def test_a_name_that_leads_elsewhere_by_now_is_not_followed(
    name_leads_to: Callable[..., None],
) -> None:
    """The look found a public address; at the connection the name leads inside."""
    name_leads_to(["93.184.215.14"], ["127.0.0.1"])
    assert all(map(is_public, resolve(NAME, 443)))
    with http_server() as receiver:
        port = receiver.url.rpartition(":")[2]
        with pytest.raises(AddressBarredError):
            post(f"http://{NAME}:{port}/", is_public)
    assert receiver.arrivals == []


def test_one_private_address_among_public_ones_is_enough(
    name_leads_to: Callable[..., None],
) -> None:
    name_leads_to(["93.184.215.14", "10.0.0.1"])
    with pytest.raises(AddressBarredError):
        post(f"https://{NAME}/", is_public)


def test_the_name_is_not_resolved_again_by_the_connection(
    name_leads_to: Callable[..., None],
) -> None:
    name_leads_to(["127.0.0.1"], ["192.0.2.1"])
    with http_server() as receiver:
        post(f"http://{NAME}:{receiver.url.rpartition(':')[2]}/", is_loopback)
    assert len(receiver.arrivals) == 1


def test_the_next_address_is_tried_where_one_does_not_answer(
    name_leads_to: Callable[..., None],
) -> None:
    # Nobody listens at the second address of this machine.
    name_leads_to(["127.0.0.2", "127.0.0.1"])
    with http_server() as receiver:
        port = receiver.url.rpartition(":")[2]
        assert post(f"http://{NAME}:{port}/", is_loopback, content=b"again").status_code == 204
    assert receiver.only.body == b"again"


def test_a_host_that_is_not_known_is_no_connection() -> None:
    with pytest.raises(UnknownHostError):
        resolve("nowhere.invalid", 443)
    with pytest.raises(httpx2.ConnectError, match=r"There is no host of this name\."):
        post("https://nowhere.invalid/", is_public)


def test_a_certificate_is_checked_for_the_name(
    name_leads_to: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_leads_to(["127.0.0.1"])
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with http_server(context=context) as receiver:
        port = receiver.url.rpartition(":")[2]
        assert post(f"https://{NAME}:{port}/", is_loopback).status_code == 204
        with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            post(f"https://localhost:{port}/", is_loopback)
    assert receiver.names[0] == NAME
    assert len(receiver.arrivals) == 1


def make_certificate(folder: Path) -> Path:
    """A key and a certificate for ``NAME`` that signs itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return file
