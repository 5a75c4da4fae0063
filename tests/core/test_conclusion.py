import pytest

from pytest_wheeltag.core.comparison import Subject
from pytest_wheeltag.core.conclusion import Conclusion, conclude
from pytest_wheeltag.core.verdict import InstalledWheel, Property, Verdict, VerdictKind
from pytest_wheeltag.workshop.imagined import imagine_interpreter

SUBJECT = Subject(InstalledWheel("foo", "1.0", ("py3-none-any",)), imagine_interpreter())


def concluded(judged: VerdictKind, found: VerdictKind) -> Verdict:
    best = Verdict("foo", "1.0", judged, judged.outcome, "as judged")
    return conclude(best, SUBJECT, Property.TRANSPARENT, Conclusion(found, "as found"))


@pytest.mark.parametrize("judged", list(VerdictKind))
def test_the_first_that_applies_is_given(judged: VerdictKind) -> None:
    """`malformed` to `unlisted` apply to every property; a fault needs no index to be seen."""
    before = judged in {"malformed", "unwheeled", "incompatible"}
    otherwise = judged in {"direct", "unreachable", "unknown", "unlisted"}

    fault, none = concluded(judged, VerdictKind.OPAQUE), concluded(judged, VerdictKind.TRANSPARENT)

    assert fault.kind is (judged if before else VerdictKind.OPAQUE)
    assert none.kind is (judged if before or otherwise else VerdictKind.TRANSPARENT)
    assert {fault.property, none.property} == {Property.TRANSPARENT}
    assert none.outcome is none.kind.outcome
