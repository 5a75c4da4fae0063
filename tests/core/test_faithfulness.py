import pytest
from packaging.utils import canonicalize_name

from pytest_wheeltag.core.account import ResolvedFile
from pytest_wheeltag.core.comparison import Subject
from pytest_wheeltag.core.faithfulness import judge_faithfulness
from pytest_wheeltag.core.verdict import InstalledWheel, VerdictKind
from pytest_wheeltag.workshop.imagined import imagine_interpreter

INSTALLED = Subject(InstalledWheel("foo", "1.0", ("py310-none-any",)), imagine_interpreter())
FOR_310, FOR_311 = "foo-1.0-py310-none-any.whl", "foo-1.0-py311-none-any.whl"


@pytest.mark.parametrize(
    ("filenames", "kind", "clause"),
    [
        ([FOR_310, FOR_311], VerdictKind.FAITHFUL, f"one of 2 files that it resolved: `{FOR_310}`"),
        ([FOR_311, "foo-1.0-py312-none-any.whl"], VerdictKind.UNFAITHFUL, f"resolved `one of {FOR_311}, "),
        ([FOR_311, "foo-1.0.tar.gz"], VerdictKind.UNKNOWN, "resolved 2 files, a source among them"),
    ],
)
def test_what_a_lock_admits_is_one_of_several_files(
    filenames: list[str], kind: VerdictKind, clause: str
) -> None:
    among = tuple((each, None) for each in filenames)
    told = ResolvedFile(canonicalize_name("foo"), "1.0", among=among)

    found = judge_faithfulness(INSTALLED, told, "poetry 2.5.1")

    assert found.kind is kind
    assert clause in found.clause
