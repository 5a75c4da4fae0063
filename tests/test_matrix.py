from pathlib import Path

import pytest

from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import Request, parse_request
from pytest_wheeltag.core.verdict import VerdictKind
from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.matrix import (
    Arrival,
    Course,
    CourseOutcome,
    Orders,
    Stop,
    dump_outcome,
    environment_at,
    list_courses,
    load_outcome,
    names_for,
    scene_at,
    travel,
)
from pytest_wheeltag.subjects.subject import ImaginedSubject
from pytest_wheeltag.workshop.imagined import imagine_interpreter

OLD = imagine_interpreter("3.10.13")
NEW = imagine_interpreter("3.11.7")
REQUEST = parse_request(["foo"])


def stop(version: str) -> Stop:
    found = imagine_interpreter(version)
    return Stop(found.label, found, ("foo",))


def names(*versions: str, orders: Orders) -> list[tuple[str, list[str]]]:
    """Give the name of each course with the full versions that it goes through."""
    courses = list_courses([stop(version) for version in versions], orders)
    return [
        (course.name, [each.interpreter.version for each in course.stops if each.interpreter])
        for course in courses
    ]


def test_the_given_order_is_one_course() -> None:
    assert names("3.11.7", "3.10.1", orders=Orders.GIVEN) == [("given", ["3.11.7", "3.10.1"])]


def test_both_goes_back_the_same_way() -> None:
    assert names("3.10.1", "3.11.7", "3.12.1", orders=Orders.BOTH) == [
        ("given", ["3.10.1", "3.11.7", "3.12.1"]),
        ("reversed", ["3.12.1", "3.11.7", "3.10.1"]),
    ]


def test_all_are_the_permutations_named_by_their_labels() -> None:
    assert [name for name, _ in names("3.10.1", "3.11.7", "3.12.1", orders=Orders.ALL)] == [
        "cpython3.10-cpython3.11-cpython3.12",
        "cpython3.10-cpython3.12-cpython3.11",
        "cpython3.11-cpython3.10-cpython3.12",
        "cpython3.11-cpython3.12-cpython3.10",
        "cpython3.12-cpython3.10-cpython3.11",
        "cpython3.12-cpython3.11-cpython3.10",
    ]


@pytest.mark.parametrize("orders", list(Orders))
@pytest.mark.parametrize("versions", [["3.11.7"], ["3.11.7", "3.11.7"]])
def test_where_there_is_no_other_order_it_is_given(orders: Orders, versions: list[str]) -> None:
    assert names(*versions, orders=orders) == [("given", versions)]


def test_an_order_that_is_the_same_backwards_is_left_out() -> None:
    there_and_back = ["3.10.1", "3.11.7", "3.10.1"]

    assert names(*there_and_back, orders=Orders.BOTH) == [("given", there_and_back)]
    assert [name for name, _ in names(*there_and_back, orders=Orders.ALL)] == [
        "cpython3.10-cpython3.11-cpython3.10",
        "cpython3.10-cpython3.10-cpython3.11",
        "cpython3.11-cpython3.10-cpython3.10",
    ]


def test_two_interpreters_of_one_label_are_told_apart_in_the_names_of_orders() -> None:
    assert names("3.11.7", "3.11.2", orders=Orders.ALL) == [
        ("cpython3.11-cpython3.11@2", ["3.11.7", "3.11.2"]),
        ("cpython3.11@2-cpython3.11", ["3.11.2", "3.11.7"]),
    ]


def test_all_orders_of_more_than_four_interpreters_are_refused() -> None:
    versions = ["3.9.1", "3.10.1", "3.11.1", "3.12.1", "3.13.1"]

    assert len(names(*versions[:4], orders=Orders.ALL)) == 24
    with pytest.raises(UsageError) as caught:
        names(*versions, orders=Orders.ALL)
    assert (
        str(caught.value) == "--wheeltag-orders: expected `both` for more than 4 interpreters, found: `all`"
    )


def test_names_are_normalised_sorted_and_those_whose_marker_holds() -> None:
    request = parse_request(
        ["Zoo", "Foo.Bar", "zoo>1", "old; python_version < '3.11'", "extra; extra == 'x'"]
    )

    assert names_for(request, OLD) == ("foo-bar", "old", "zoo")
    assert names_for(request, NEW) == ("foo-bar", "zoo")


def test_without_an_interpreter_every_requirement_is_named() -> None:
    assert names_for(parse_request(["old; python_version < '3'", "foo"]), None) == ("foo", "old")


def test_a_marker_that_cannot_be_decided_is_a_usage_error() -> None:
    with pytest.raises(UsageError) as caught:
        names_for(parse_request(["foo; os_name ~= 'posix'"]), NEW)

    assert 'a marker that can be decided, found: `os_name ~= "posix"`' in str(caught.value)


def journey(
    course: Course, subject: ImaginedSubject, folder: Path, request: Request = REQUEST
) -> list[Arrival]:
    return list(travel(course, subject, request, folder))


def test_travelling_makes_every_environment_in_order_in_a_folder_of_its_own(tmp_path: Path) -> None:
    course = Course("given", (stop("3.11.7"), stop("3.10.1"), stop("3.11.7")))
    subject = ImaginedSubject()

    arrivals = journey(course, subject, tmp_path)

    assert subject.asked == ["cpython3.11", "cpython3.10", "cpython3.11"]
    assert [each.prefix for each in arrivals] == [
        str(tmp_path / "0-cpython3.11"),
        str(tmp_path / "1-cpython3.10"),
        str(tmp_path / "2-cpython3.11"),
    ]
    assert all(Path(each.prefix).is_dir() for each in arrivals)


def test_a_failure_is_told_and_the_journey_goes_on(tmp_path: Path) -> None:
    course = Course("given", (stop("3.10.1"), stop("3.11.7")))
    subject = ImaginedSubject(failures={"cpython3.10": "no wheel"})

    failed, made = journey(course, subject, tmp_path)

    assert failed == Arrival(problem="imagined cannot install foo on cpython3.10: no wheel")
    assert made == Arrival(prefix=str(tmp_path / "1-cpython3.11"))


def test_an_interpreter_that_is_missing_is_passed_by(tmp_path: Path) -> None:
    course = Course(
        "given", (Stop("cpython3.99", None, ("foo",), "no such"), Stop("x", None, ()), stop("3.11.7"))
    )
    subject = ImaginedSubject()

    missing, untold, made = journey(course, subject, tmp_path)

    assert missing == Arrival(problem="no such", kind=VerdictKind.MISSING_PYTHON)
    assert untold.problem == "the interpreter was not found"
    assert made.prefix
    assert subject.asked == ["cpython3.11"]


def test_an_outcome_survives_being_written() -> None:
    outcome = CourseOutcome(
        (Arrival(prefix="/tmp/é"), Arrival(problem="no `wheel`", kind=VerdictKind.UNREACHABLE)),
        InstallerName("pip", "26.3"),
    )

    assert load_outcome(dump_outcome(outcome)) == outcome


def test_the_scene_tells_installer_and_order_and_of_a_missing_interpreter_its_label() -> None:
    course = Course("given", (Stop("cpython3.99", None, ()), stop("3.11.7")))
    installer = InstallerName("imagined", "1.0")

    missing = scene_at(course, 0, "cpython3.99", installer)
    made = scene_at(course, 1, "cpython3.11@2", installer)

    assert (missing.interpreter.label, missing.interpreter.executable) == ("cpython3.99", None)
    assert (made.identifier, made.kind, made.installer) == ("cpython3.11@2", "provisioned", installer)
    assert made.order == missing.order == ("cpython3.99", "cpython3.11")
    assert made.interpreter.version == "3.11.7"


def test_there_is_no_environment_where_there_is_no_interpreter() -> None:
    with pytest.raises(ValueError, match=r"expected an interpreter, found none: `cpython3\.99`"):
        environment_at(Stop("cpython3.99", None, ()), Arrival())
