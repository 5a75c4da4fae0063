import hashlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.workshop.fault import Fault
from pytest_wheeltag.workshop.faults import FAULTS
from pytest_wheeltag.workshop.sdists import SdistSpec, build_sdist
from pytest_wheeltag.workshop.served import read_core_metadata, read_served_file, render_upload_time
from pytest_wheeltag.workshop.wheels import WheelSpec, build_wheel, pack_wheel

SPEC = WheelSpec("Foo.Bar", "1.0", requires_python=">=3.8")
DAMAGED = [
    fault for name, fault in FAULTS.items() if name.startswith(("archive-", "entry-zip64", "metadata-"))
]


def test_a_wheel_tells_the_truth_by_default(tmp_path: Path) -> None:
    path = build_wheel(SPEC, tmp_path)
    served = read_served_file(path, {})
    content = path.read_bytes()
    assert (served.project, served.version, served.content) == ("foo-bar", "1.0", content)
    assert served.hashes == (("sha256", hashlib.sha256(content).hexdigest()),)
    assert (served.requires_python, served.size, served.yanked, served.metadata) == (
        ">=3.8",
        len(content),
        None,
        None,
    )


def test_an_sdist_does_as_well(tmp_path: Path) -> None:
    served = read_served_file(build_sdist(SdistSpec("Foo.Bar", "1.0", requires_python=">=3.9"), tmp_path), {})
    assert (served.project, served.version, served.requires_python) == ("foo-bar", "1.0", ">=3.9")


def test_claims_replace_the_truth(tmp_path: Path) -> None:
    path = build_wheel(SPEC, tmp_path)
    served = read_served_file(
        path, {"project": "Other", "requires_python": None, "hashes": {}, "size": None, "metadata": b"a lie"}
    )
    assert (served.project, served.requires_python, served.hashes, served.size) == ("other", None, (), None)
    assert served.metadata == b"a lie"
    assert served.metadata_hashes == (("sha256", hashlib.sha256(b"a lie").hexdigest()),)


def test_a_wheel_s_own_metadata_is_served_on_request(tmp_path: Path) -> None:
    served = read_served_file(build_wheel(SPEC, tmp_path), {"metadata": True})
    assert b"Requires-Python: >=3.8" in (served.metadata or b"")
    broken = build_wheel(SPEC, tmp_path, [FAULTS["metadata-missing"]])
    with pytest.raises(UsageError, match="METADATA that can be read"):
        read_served_file(broken, {"metadata": True})


@pytest.mark.parametrize("fault", DAMAGED, ids=lambda fault: fault.name)
def test_damaged_wheels_can_be_served(tmp_path: Path, fault: Fault) -> None:
    path = build_wheel(SPEC, tmp_path, [fault])
    assert read_served_file(path, {}).content == path.read_bytes()


def test_metadata_that_cannot_be_read_is_none() -> None:
    assert (
        read_core_metadata("foo-1.0-py3-none-any.whl", pack_wheel(SPEC, [FAULTS["metadata-too-large"]]))
        is None
    )
    assert read_core_metadata("foo-1.0.tar.gz", b"no archive") is None


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        ("2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00.000000Z"),
        (datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2))), "2026-01-01T22:00:00.000000Z"),
        (datetime(2026, 1, 2), "2026-01-02T00:00:00.000000Z"),  # noqa: DTZ001 - a time without a zone is the case
    ],
)
def test_upload_times_are_utc(moment: str | datetime, told: str) -> None:
    assert render_upload_time(moment) == told
