"""Whom to believe that they are who they say: TLS contexts, loaded once per process."""

import os
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import truststore

from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.system.pipconf import PipConfiguration


@dataclass(frozen=True)
class TlsSettings:
    """Which certificates count: the system's, those of ``bundle`` as well, and our own for the server.

    ``system_file`` and ``system_folder`` stand for the system's where OpenSSL is told so by its environment
    variables, each for its own half, or with ``is_system_replaced`` for both; ``client_certificate`` holds
    certificate and key.
    """

    bundle: str | None = None
    client_certificate: str | None = None
    system_file: str | None = None
    system_folder: str | None = None
    is_system_replaced: bool = False


def tls_settings(
    configuration: PipConfiguration, environ: Mapping[str, str], *, reads_uv: bool = False
) -> TlsSettings:
    """Find the certificates as pip does.

    pip's ``cert``, else ``REQUESTS_CA_BUNDLE``, else ``CURL_CA_BUNDLE``, is added to the system's; the two
    variables do not count where pip's ``proxy`` or ``no-proxy-env`` is set. With ``reads_uv`` either of
    ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` replaces all of the system's, as uv has it.
    """
    bundle = configuration.cert
    if bundle is None and configuration.proxy is None and not configuration.no_proxy_env:
        bundle = environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE") or None
    file, folder = environ.get("SSL_CERT_FILE") or None, environ.get("SSL_CERT_DIR") or None
    is_replaced = reads_uv and (file is not None or folder is not None)
    return TlsSettings(bundle, configuration.client_cert, file, folder, is_system_replaced=is_replaced)


@cache
def verifying_context(settings: TlsSettings) -> ssl.SSLContext:
    """Give the context that verifies servers; raises ``UsageError`` for a bundle that cannot be read."""
    context = _system_context(settings)
    if settings.bundle is not None:
        _load_bundle(context, settings.bundle, "cert")
    _load_client_certificate(context, settings)
    return context


@cache
def trusting_context(settings: TlsSettings) -> ssl.SSLContext:
    """Give the context for hosts that are trusted without proof (pip's ``trusted-host``)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _load_client_certificate(context, settings)
    return context


def _system_context(settings: TlsSettings) -> ssl.SSLContext:
    if settings.is_system_replaced:
        return _named_context(settings)
    # With OpenSSL truststore reads the whole bundle again for each connection (40 ms against 7), so where
    # it would do no more than name OpenSSL's own places, they are loaded here once.
    defaults = ssl.get_default_verify_paths()
    file = settings.system_file or defaults.cafile
    if sys.platform in ("win32", "darwin") or file is None:
        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _load_bundle(context, file, "SSL_CERT_FILE")
    if folder := settings.system_folder or defaults.capath:
        context.load_verify_locations(capath=folder)
    return context


def _named_context(settings: TlsSettings) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if settings.system_file is not None:
        _load_bundle(context, settings.system_file, "SSL_CERT_FILE")
    for folder in (settings.system_folder or "").split(os.pathsep):
        if folder:
            context.load_verify_locations(capath=folder)
    return context


def _load_bundle(context: ssl.SSLContext, path: str, setting: str) -> None:
    # OpenSSL takes any folder that is named, even none.
    if Path(path).is_dir():
        context.load_verify_locations(capath=path)
        return
    try:
        context.load_verify_locations(path)
    except OSError as error:  # ssl.SSLError is one
        raise UsageError(setting, path, "a readable bundle of certificates (PEM)") from error


def _load_client_certificate(context: ssl.SSLContext, settings: TlsSettings) -> None:
    if settings.client_certificate is None:
        return
    try:
        context.load_cert_chain(settings.client_certificate)
    except OSError as error:
        expected = "a readable file with certificate and key (PEM)"
        raise UsageError("client-cert", settings.client_certificate, expected) from error
