import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wheeltag.workshop.negotiation import (
    FORMATS,
    HTML,
    HTML_V1,
    JSON_V1,
    accepts_gzip,
    choose_format,
    parse_preferences,
)

PIP = f"{JSON_V1}, {HTML_V1}; q=0.1, {HTML}; q=0.01"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", HTML),
        ("*/*", HTML),
        (PIP, JSON_V1),
        (f"{HTML_V1};q=0.2, {JSON_V1};q=0.1", HTML_V1),
        ("application/vnd.pypi.simple.latest+json", JSON_V1),
        ("text/*;q=0.5, application/*;q=0.4", HTML),
        (f"*/*;q=0.5, {HTML};q=0", HTML_V1),
        (f"{JSON_V1};q=x, {HTML_V1}", HTML_V1),
        (f"{JSON_V1};q=0", None),
        ("image/png", None),
    ],
)
def test_the_heaviest_form_is_chosen(accept: str, chosen: str | None) -> None:
    assert choose_format(accept) == chosen


def test_only_what_is_offered_is_chosen() -> None:
    assert choose_format(PIP, (HTML, HTML_V1)) == HTML_V1


@pytest.mark.parametrize(
    ("header", "accepted"),
    [("", False), ("gzip, deflate", True), ("gzip;q=0, *", False), ("*", True), ("identity", False)],
)
def test_gzip_is_accepted_where_it_is_named(header: str, *, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


@given(st.text())
def test_any_header_is_read(header: str) -> None:
    """A header that follows no grammar is no error: it accepts what can be made out of it."""
    assert choose_format(header) in {*FORMATS, None}
    assert not any(found.weight < 0 for found in parse_preferences(header))
