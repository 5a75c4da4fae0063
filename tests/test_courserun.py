from pathlib import Path

from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.courserun import CourseRun
from pytest_wheeltag.matrix import Course, Stop
from pytest_wheeltag.subjects.subject import ImaginedSubject
from pytest_wheeltag.workshop.imagined import imagine_interpreter


def test_what_a_killed_process_left_is_made_anew_and_nothing_stays(tmp_path: Path) -> None:
    interpreter = imagine_interpreter()
    course = Course("given", (Stop(interpreter.label, interpreter, ("foo",)),))
    folder, subject = tmp_path / "run" / "course-0", ImaginedSubject()
    (folder / f"0-{interpreter.label}" / "lib").mkdir(parents=True)
    (folder / "installer").mkdir()
    run = CourseRun(course, parse_request(["foo"]), lambda: folder, lambda _: subject)

    (arrival,) = run.outcome.arrivals

    assert not list(Path(arrival.prefix).iterdir())
    assert CourseRun(course, run.request, run.locate, run.open_subject).outcome == run.outcome
    assert subject.asked == [interpreter.label]
    assert run.clean(()) == ()
    assert not folder.exists()


def test_of_a_course_only_what_is_kept_stays(tmp_path: Path) -> None:
    interpreters = [imagine_interpreter(version) for version in ("3.10.1", "3.11.7", "3.12.1")]
    course = Course("given", tuple(Stop(each.label, each, ("foo",)) for each in interpreters))
    subject = ImaginedSubject(failures={"cpython3.12": "no wheel"})
    run = CourseRun(course, parse_request(["foo"]), lambda: tmp_path, lambda _: subject)
    prefixes = [arrival.prefix for arrival in run.outcome.arrivals]
    (tmp_path / "2-cpython3.12").mkdir()

    assert run.clean({prefixes[1]}) == (prefixes[1],)
    assert [path.name for path in tmp_path.glob("*/")] == ["1-cpython3.11"]
