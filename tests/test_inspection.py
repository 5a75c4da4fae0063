"""What lies at a stop beside other installations: interpreters that are on no machine, wheels laid by rules."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from pytest_wheeltag.audit import Auditor
from pytest_wheeltag.core.account import Account, ResolvedFile
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import Request, parse_request
from pytest_wheeltag.core.verdict import Outcome, Property, Verdict, VerdictKind
from pytest_wheeltag.courserun import CourseRun
from pytest_wheeltag.errors import OfflineError, UninstallableError
from pytest_wheeltag.inspection import Inspector
from pytest_wheeltag.matrix import Course, Stop
from pytest_wheeltag.sidetrips import Guides, Sidetrips, remove_sidetrips
from pytest_wheeltag.visit import Visit
from pytest_wheeltag.workshop import WheelMaker, lay, make_environment
from pytest_wheeltag.workshop.environments import EnvironmentSpec
from pytest_wheeltag.workshop.imagined import ImaginedCatalogue, imagine_interpreter

Rule = Callable[[tuple[str, ...]], Sequence[Path] | str]


def stop_at(version: str) -> Stop:
    """Imagine an interpreter whose environments are laid out as everywhere."""
    short = ".".join(version.split(".")[:2])
    library = "{base}/lib/python" + short + "/site-packages"
    scheme = {"purelib": library, "platlib": library, "scripts": "{base}/bin", "data": "{base}"}
    found = replace(imagine_interpreter(version), schemes={"posix_prefix": scheme})
    return Stop(found.label, found, ("foo",))


STOPS = tuple(map(stop_at, ("3.9.18", "3.10.13", "3.11.7", "3.12.1")))
TAGS = [f"py3{minor}-none-any" for minor in (9, 10, 11, 12)]


@dataclass
class RuleInstaller:
    """Lays what a rule gives for the interpreters that it was asked for so far; a text is why it fails."""

    rule: Rule
    name: InstallerName = InstallerName("rule", "1.0")  # noqa: RUF009 - a frozen value
    asked: tuple[str, ...] = ()
    resolved: tuple[ResolvedFile, ...] | None = None

    def provision(self, prefix: Path, interpreter: Interpreter, request: Request) -> Account:
        self.asked = (*self.asked, interpreter.label)
        wheels = self.rule(self.asked)
        if isinstance(wheels, str):
            error = UninstallableError(request.requirements[0].text, interpreter.label, "rule", wheels)
            raise error from (OfflineError("file:///x", wheels) if wheels == "offline" else None)
        environment = make_environment(
            prefix, EnvironmentSpec(Path(interpreter.executable), interpreter.version)
        )
        for wheel in wheels:
            lay(wheel, environment)
        return Account(resolved=self.resolved)


@dataclass
class Bench:
    """Courses below a folder, by one rule for the installer under test and one for pip."""

    folder: Path
    make_wheel: WheelMaker
    trips: list[tuple[str, ...]] = field(default_factory=list)
    resolved: tuple[ResolvedFile, ...] | None = None
    pip: InstallerName = field(default_factory=lambda: InstallerName("pip", "26.3"))

    def wheel(self, label: str) -> Path:
        """Make the wheel that is the best for an interpreter."""
        return self.make_wheel("foo", tag=f"py{label.removeprefix('cpython').replace('.', '')}-none-any")

    def visit(self, rule: Rule, stops: Sequence[Stop] = STOPS, pips: Rule | None = None) -> Sequence[Visit]:
        """Go through some stops."""

        def open_subject(_: Path) -> RuleInstaller:
            return RuleInstaller(self._noting(rule), resolved=self.resolved)

        guides = Guides(open_subject, lambda *_: RuleInstaller(pips or _right(self), self.pip))
        request = parse_request(["foo"])
        self.sidetrips = Sidetrips(request, self.folder.joinpath, guides)
        run = CourseRun(
            Course("given", tuple(stops)), request, lambda: self.folder / "course-0", open_subject
        )
        return [Visit(run, number) for number in range(len(stops))]

    def _noting(self, rule: Rule) -> Rule:
        def note(asked: tuple[str, ...]) -> Sequence[Path] | str:
            self.trips.append(asked)
            return rule(asked)

        return note

    def judge(self, visit: Visit, asked: Property = Property.TRANSPARENT, name: str = "foo") -> Verdict:
        """Judge what lies at a stop, where a wheel for each Python is published."""
        catalogue = ImaginedCatalogue([f"foo-1.0-{tag}.whl" for tag in TAGS] + ["bar-1.0-py3-none-any.whl"])
        return Inspector(Auditor(catalogue), self.sidetrips).judge(visit, name, asked)


@pytest.fixture
def bench(tmp_path: Path, make_wheel: WheelMaker) -> Bench:
    return Bench(tmp_path / "run", make_wheel)


def _right(bench: Bench) -> Rule:
    return lambda asked: [bench.wheel(asked[-1])]


def _sticky(bench: Bench, after: Sequence[str] = (), *, on: str = "") -> Rule:
    """Give the first interpreter's wheel to others, once all of ``after`` came by, ``on`` one or any."""

    def rule(asked: tuple[str, ...]) -> Sequence[Path]:
        is_spoilt = {*after} <= {*asked[:-1]} and on in ("", asked[-1])
        return [bench.wheel(asked[0] if is_spoilt else asked[-1])]

    return rule


def test_what_is_the_same_with_an_empty_cache_is_transparent(bench: Bench) -> None:
    visits = bench.visit(_right(bench))

    verdicts = [bench.judge(each) for each in visits]

    assert {each.kind for each in verdicts} == {VerdictKind.TRANSPARENT}
    assert verdicts[1].message == "foo 1.0 on cpython3.10: the same with an empty cache, file by file"
    assert verdicts[1].property is Property.TRANSPARENT


def test_the_pair_that_spoils_is_named_and_the_first_is_right(bench: Bench) -> None:
    first, second, *_ = bench.visit(_sticky(bench), STOPS[:2])

    assert bench.judge(first).kind is VerdictKind.TRANSPARENT
    found = bench.judge(second)

    assert (found.kind, found.outcome) == (VerdictKind.OPAQUE, Outcome.FAILED)
    assert found.message == (
        "foo 1.0 on cpython3.10: depends on the cache: tags `py39-none-any`, with an empty cache "
        "`py310-none-any`; other content in `foo/__init__.py`, `foo-1.0.dist-info/WHEEL`; "
        "installed first on cpython3.9, then on cpython3.10"
    )
    assert found.best is not None
    assert found.best.filename == "foo-1.0-py310-none-any.whl"


@pytest.mark.parametrize("asked", [Property.BEST, Property.TRANSPARENT])
@pytest.mark.parametrize(
    ("needed", "told"),
    [
        ((), "cpython3.9"),
        (("cpython3.11",), "cpython3.11"),
        (("cpython3.9", "cpython3.11"), "cpython3.9, cpython3.11"),
        (("cpython3.9", "cpython3.10", "cpython3.11"), "cpython3.9, cpython3.10, cpython3.11"),
    ],
)
def test_the_smallest_order_that_shows_the_fault_is_told(
    bench: Bench, needed: tuple[str, ...], told: str, asked: Property
) -> None:
    def rule(labels: tuple[str, ...]) -> Sequence[Path]:
        is_spoilt = labels[-1] == "cpython3.12" and len(labels) > 1 and {*needed} <= {*labels}
        return [bench.wheel("cpython3.8" if is_spoilt else labels[-1])]

    visits = bench.visit(rule)

    found = bench.judge(visits[3], asked)

    assert found.kind is (VerdictKind.OPAQUE if asked is Property.TRANSPARENT else VerdictKind.INFERIOR)
    assert found.message.endswith(f"; installed first on {told}, then on cpython3.12")
    again = len(bench.trips)
    assert bench.judge(visits[3], asked) == found
    assert len(bench.trips) == again


def test_what_is_wrong_alone_is_told_so_and_depends_on_no_cache(bench: Bench) -> None:
    visits = bench.visit(lambda _: [bench.wheel("cpython3.9")])

    assert bench.judge(visits[2], Property.BEST).message.endswith("; installed alone with an empty cache too")
    assert bench.judge(visits[2]).kind is VerdictKind.TRANSPARENT
    assert [each for each in bench.trips if len(each) < 3] == [
        ("cpython3.9",),
        ("cpython3.9", "cpython3.10"),
        ("cpython3.11",),
    ]


def test_where_many_came_before_not_every_order_is_tried(bench: Bench) -> None:
    stops = [stop_at(f"3.{minor}.1") for minor in range(8, 14)]
    *_, last = bench.visit(lambda asked: [bench.wheel("cpython3.8" if len(asked) > 5 else asked[-1])], stops)

    found = bench.judge(last)

    assert found.message.endswith(
        "; installed first on cpython3.8, cpython3.9, cpython3.10, cpython3.11, cpython3.12, then on cpython3.13"
    )
    assert len([each for each in bench.trips if len(each) == 1]) < 20


def test_interpreters_that_are_missing_spoil_nothing(bench: Bench) -> None:
    missing = Stop("cpython3.99", None, ("foo",))
    _, _, last = bench.visit(_sticky(bench), (STOPS[0], missing, STOPS[1]))

    assert bench.judge(last).message.endswith("; installed first on cpython3.9, then on cpython3.10")


@dataclass
class Changing:
    """Gives a wheel whose files are those of ``files``, with a number in it that is never the same."""

    make_wheel: WheelMaker
    constant: str = ""
    number: int = 0

    def __call__(self, _: tuple[str, ...]) -> Sequence[Path]:
        self.number += 1
        files = {"foo/_built.py": str(self.number)}
        files |= {"foo/__init__.py": self.constant} if self.constant else {}
        return [self.make_wheel("foo", tag="py3-none-any", files=files)]


def test_what_differs_between_two_builds_is_left_out(bench: Bench, make_wheel: WheelMaker) -> None:
    (visit,) = bench.visit(Changing(make_wheel, "the same"), STOPS[:1])

    found = bench.judge(visit)

    assert found.kind is VerdictKind.TRANSPARENT
    assert found.message.endswith("the same with an empty cache, but for what differs between two builds")
    assert found.warnings == ("foo 1.0: two builds with an empty cache differ, left out: `foo/_built.py`",)


def test_where_nothing_else_can_be_compared_it_is_irreproducible(
    bench: Bench, make_wheel: WheelMaker
) -> None:
    (visit,) = bench.visit(Changing(make_wheel), STOPS[:1])

    found = bench.judge(visit)

    assert (found.kind, found.outcome) == (VerdictKind.IRREPRODUCIBLE, Outcome.SKIPPED)
    assert found.message.endswith(
        "two builds with an empty cache differ in all that could be compared: `foo/_built.py`"
    )


def test_a_fault_beside_what_differs_between_two_builds_is_still_told(
    bench: Bench, make_wheel: WheelMaker
) -> None:
    changing = Changing(make_wheel)

    def rule(asked: tuple[str, ...]) -> Sequence[Path]:
        changing.constant = asked[0]
        return changing(asked)

    _, second = bench.visit(rule, STOPS[:2])

    found = bench.judge(second)

    assert found.kind is VerdictKind.OPAQUE
    assert "other content in `foo/__init__.py`; installed" in found.message
    assert "`foo/_built.py`" in found.warnings[0]


def test_files_count_as_they_lie_on_disk_and_not_as_record_tells_them(bench: Bench) -> None:
    (visit,) = bench.visit(_right(bench), STOPS[:1])
    (path,) = Path(visit.arrival.prefix).glob("lib/*/site-packages/foo/__init__.py")
    path.write_text("another = True", encoding="utf-8")

    assert "other content in `foo/__init__.py`" in bench.judge(visit).message
    path.unlink()
    assert "missing `foo/__init__.py`" in bench.judge(visit).message


def test_another_version_is_told_and_no_file_of_it(bench: Bench, make_wheel: WheelMaker) -> None:
    newer = make_wheel("foo", "2.0")
    _, second = bench.visit(lambda asked: [bench.wheel(asked[0])] if asked[1:] else [newer], STOPS[:2])

    assert bench.judge(second).message == (
        "foo 1.0 on cpython3.10: depends on the cache: version `1.0`, with an empty cache `2.0`; "
        "installed first on cpython3.9, then on cpython3.10"
    )


def test_a_dependency_that_only_one_of_the_two_has_is_told(bench: Bench, make_wheel: WheelMaker) -> None:
    bar = make_wheel("bar")
    inspector_asks = Property.TRANSPARENT
    _, more = bench.visit(lambda asked: [bench.wheel(asked[-1]), *([bar] if asked[1:] else [])], STOPS[:2])
    assert "and with an empty cache it is not" in bench.judge(more, name="bar").message

    other = Bench(bench.folder / "other", make_wheel)
    _, less = other.visit(lambda asked: [other.wheel(asked[-1]), *([] if asked[1:] else [bar])], STOPS[:2])
    found = other.judge(less, name="bar")
    inspector = Inspector(Auditor(ImaginedCatalogue()), other.sidetrips)
    assert inspector.list_names(less, inspector_asks) == {"foo", "bar"}
    assert inspector.list_names(less, Property.BEST) == {"foo"}
    assert (found.kind, found.version) == (VerdictKind.OPAQUE, "1.0")
    assert (
        "bar 1.0 on cpython3.10: not installed, with an empty cache it is; installed first" in found.message
    )


@pytest.mark.parametrize(
    ("problem", "kind"), [("no network", VerdictKind.OPAQUE), ("offline", VerdictKind.UNKNOWN)]
)
def test_what_only_a_cache_makes_installable_is_opaque_unless_nobody_could_be_asked(
    bench: Bench, problem: str, kind: VerdictKind
) -> None:
    _, second = bench.visit(
        lambda asked: [bench.wheel(asked[-1])] if asked[0] == "cpython3.9" else problem, STOPS[:2]
    )

    found = bench.judge(second)

    assert found.kind is kind
    assert (
        f"with an empty cache it cannot be: rule cannot install foo on cpython3.10: {problem}"
        in found.message
    )


def test_what_can_be_installed_only_without_the_cache_is_told_so(bench: Bench) -> None:
    _, failing = bench.visit(lambda asked: "full" if asked[1:] else [bench.wheel(asked[-1])], STOPS[:2])

    told = bench.judge(failing)

    assert (told.kind, told.outcome) == (VerdictKind.UNINSTALLABLE, Outcome.FAILED)
    assert told.message.endswith(
        "cannot install foo on cpython3.10: full; with an empty cache it can be installed"
    )


@pytest.mark.parametrize(
    ("told", "kind", "clause"),
    [
        (None, VerdictKind.UNKNOWN, "rule 1.0 does not say which file it resolved"),
        (("bar", "1.0", None), VerdictKind.UNKNOWN, "rule 1.0 does not say which file it resolved"),
        (
            ("foo", "1.0", None),
            VerdictKind.UNKNOWN,
            "rule 1.0 names no file that it resolved, only the version",
        ),
        (
            ("foo", "1.0", "foo-1.0-py39-none-any.whl"),
            VerdictKind.FAITHFUL,
            "installed `py39-none-any`, as resolved: `foo-1.0-py39-none-any.whl`",
        ),
        (
            ("foo", "1.0", "foo-1.0.tar.gz"),
            VerdictKind.FAITHFUL,
            "built from what was resolved, `foo-1.0.tar.gz`",
        ),
        (
            ("foo", "1.0", "foo-1.0-py310-none-any.whl"),
            VerdictKind.UNFAITHFUL,
            "installed `py39-none-any` of version 1.0, although rule 1.0 resolved `foo-1.0-py310-none-any.whl`",
        ),
        (
            ("foo", "2.0", None),
            VerdictKind.UNFAITHFUL,
            "installed `py39-none-any` of version 1.0, although rule 1.0 resolved `foo 2.0`",
        ),
    ],
)
def test_what_lies_there_is_compared_with_what_was_said(
    bench: Bench, told: tuple[str, str, str | None] | None, kind: VerdictKind, clause: str
) -> None:
    bench.resolved = told and (ResolvedFile(canonicalize_name(told[0]), *told[1:]),)
    (visit,) = bench.visit(_right(bench), STOPS[:1])

    found = bench.judge(visit, Property.FAITHFUL)

    assert (found.kind, found.message) == (kind, f"foo 1.0 on cpython3.9: {clause}")


def test_agreeing_is_compared_with_what_pip_leaves(bench: Bench, make_wheel: WheelMaker) -> None:
    (visit,) = bench.visit(_right(bench), STOPS[1:2])
    assert bench.judge(visit, Property.AGREEING).message == (
        "foo 1.0 on cpython3.10: pip 26.3 takes `foo-1.0-py310-none-any.whl` too"
    )

    other = Bench(bench.folder / "other", make_wheel)
    (visit,) = other.visit(lambda _: [other.wheel("cpython3.9")], STOPS[1:2])
    found = other.judge(visit, Property.AGREEING)
    assert (found.kind, found.message) == (
        VerdictKind.DISAGREEING,
        "foo 1.0 on cpython3.10: installed `foo-1.0-py39-none-any.whl`, pip 26.3 takes `foo-1.0-py310-none-any.whl`",
    )


def test_where_pip_cannot_be_had_nothing_is_known(bench: Bench) -> None:
    bench.pip = InstallerName("pip", "unknown")
    (visit,) = bench.visit(_right(bench), STOPS[:1], lambda _: "no pip")
    assert bench.judge(visit, Property.AGREEING).kind is VerdictKind.UNKNOWN


def test_sidetrips_leave_nothing(bench: Bench) -> None:
    _, second = bench.visit(_sticky(bench), STOPS[:2])
    bench.judge(second)
    assert len(list(bench.folder.glob("aside-*"))) == 2

    remove_sidetrips(bench.folder.joinpath)

    assert [each.name for each in bench.folder.iterdir()] == ["course-0"]
