import pytest
from urllib3 import exceptions

from pytest_wheeltag.system.refusals import connection_failure, may_help_again, status_failure
from pytest_wheeltag.system.urls import parse_url

URL = parse_url("https://user:s3cr3t@index.example/simple/")


class CauseError(OSError):
    """What OpenSSL tells of a failed connection."""

    def __init__(self, **facts: str) -> None:
        super().__init__(1, "s3cr3t")
        self.__dict__.update(facts)


@pytest.mark.parametrize(
    ("error", "words", "is_hopeful"),
    [
        (
            exceptions.SSLError(CauseError(verify_message="self-signed certificate")),
            "found self-signed",
            False,
        ),
        (exceptions.SSLError(CauseError(reason="TLSV13_ALERT_CERTIFICATE_REQUIRED")), "`client-cert`", False),
        (
            exceptions.SSLError(CauseError(reason="WRONG_VERSION_NUMBER")),
            "fail (WRONG_VERSION_NUMBER)",
            False,
        ),
        (exceptions.SSLError("s3cr3t"), "fail (no reason told)", False),
        (
            exceptions.ProxyError(
                "s3cr3t", OSError("Tunnel connection failed: 407 Proxy Authentication Required")
            ),
            "found 407 Proxy Authentication Required; give credentials in the proxy's URL",
            False,
        ),
        (
            exceptions.ProxyError("s3cr3t", OSError("Tunnel connection failed: 599 Strange")),
            "found 599; check the proxy",
            False,
        ),
        (exceptions.ProxyError("s3cr3t", OSError("refused")), "expected the proxy to answer", False),
        (exceptions.ProtocolError("s3cr3t"), "(ProtocolError)", True),
        (exceptions.ProtocolError("s3cr3t", TimeoutError()), "within 7 s", False),
        (exceptions.HTTPError("s3cr3t", TimeoutError()), "within 7 s", False),
    ],
    ids=["doubt", "client", "reason", "none", "tunnel", "strange", "proxy", "broken", "cut", "late"],
)
def test_what_went_wrong_is_one_line_without_secrets(
    error: exceptions.HTTPError, words: str, is_hopeful: bool
) -> None:
    told = str(connection_failure(URL, error, 7.0))
    assert words in told
    assert told.endswith("`https://index.example/simple/`")
    assert "s3cr3t" not in told
    assert may_help_again(error) is is_hopeful


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (403, "check the credentials"),
        (418, "check the URL"),
        (503, "try again later"),
        (799, "try again later"),
    ],
)
def test_a_status_comes_with_what_usually_helps(status: int, remedy: str) -> None:
    failure = status_failure(URL, status, None, None)
    assert failure.remedy.startswith(remedy)
    assert failure.status == status
    assert status_failure(URL, status, 30.0, "wait").remedy == "wait"
    assert "asked again after 30 s" in str(status_failure(URL, status, 30.0, None))
