from email.message import Message
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from pytest_wheeltag.core.scenario import Artefact, Cast, Form, Publish, Shelf
from pytest_wheeltag.workshop.stage import open_stage

FILENAME = "foo-1.0-py3-none-any.whl"
ARTEFACTS = {name: Artefact(name, Form.WHEEL, FILENAME) for name in ("first", "second")}
CAST = Cast({})


def ask(url: str, etag: str = "") -> tuple[int, Message]:
    """Give the status and the headers of an answer."""
    headers = {"If-None-Match": etag} if etag else {}
    try:
        with urlopen(Request(url, headers=headers), timeout=10) as answer:  # noqa: S310 - loopback
            return answer.status, answer.headers
    except HTTPError as error:
        with error:
            return error.code, error.headers


@pytest.mark.parametrize("kind", ["page", "file", "address"])
def test_an_installer_can_ask_whether_what_it_holds_is_still_the_same(tmp_path: Path, kind: str) -> None:
    with open_stage(tmp_path) as stage:
        stage.publish(Publish(("first",)), ARTEFACTS, CAST)
        index = stage.index_url(Shelf.INDEX)
        address = stage.locate("first", "url", ARTEFACTS, CAST)
        url = {"page": f"{index}foo/", "file": f"{index[: -len('simple/')]}files/{FILENAME}"}.get(
            kind, address
        )

        status, first = ask(url)
        held = first["ETag"]
        again, same = ask(url, held)
        stage.publish(Publish(("second",)), ARTEFACTS, CAST)
        changed, second = ask(url, held)

    assert (status, again, changed) == (200, 304, 200)
    assert held
    assert second["ETag"] not in {None, held}
    # Without that an installer may guess for how long it need not ask.
    assert [each["Cache-Control"] for each in (first, same, second)] == ["no-cache"] * 3
