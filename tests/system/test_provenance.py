"""Which file was it? Environments whose WHEEL, RECORD and files are compared with what is published."""

import base64
import hashlib
import os
import shutil
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from packaging.utils import NormalizedName
from packaging.version import Version

from pytest_wheeltag.audit import Auditor
from pytest_wheeltag.core.candidates import ProjectFiles, PublishedFile
from pytest_wheeltag.core.controls import Controls, NameControl
from pytest_wheeltag.core.interpreter import ExistingEnvironment
from pytest_wheeltag.core.verdict import Property, Verdict
from pytest_wheeltag.system.downloads import Downloads
from pytest_wheeltag.system.fetching import IndexAccess
from pytest_wheeltag.system.provenance import Provenance
from pytest_wheeltag.system.publishedrecords import PublishedRecords
from pytest_wheeltag.system.store import WheelStore
from pytest_wheeltag.system.transport import OK, FakeTransport
from pytest_wheeltag.system.wheels import StoredWheels
from pytest_wheeltag.workshop import WheelMaker, lay, make_environment
from pytest_wheeltag.workshop.environments import FakeEnvironment
from pytest_wheeltag.workshop.imagined import imagine_interpreter

IMAGINED = imagine_interpreter("3.11.7")
FOLDERS = {"purelib": "lib", "platlib": "lib", "scripts": "Scripts" if os.name == "nt" else "bin", "data": ""}
CP311 = replace(
    IMAGINED, schemes={IMAGINED.scheme: {key: f"{{base}}/{path}" for key, path in FOLDERS.items()}}
)
FILES = {"foo/__init__.py": "print('hi')\n", "foo/data.txt": "data"}
HOST = "https://files.example/"


@dataclass(frozen=True)
class Shelf:
    """A catalogue of one release."""

    published: tuple[PublishedFile, ...]

    def release(self, name: NormalizedName, version: Version) -> ProjectFiles:  # noqa: ARG002 - as ``Catalogue``
        return self.files(name)

    def files(self, name: NormalizedName) -> ProjectFiles:
        return ProjectFiles(name, self.published)

    def prefetch(self, names: Iterable[NormalizedName]) -> None:
        """Everything is here already."""


@dataclass
class Bench:
    """An environment, wheels for it, and an index that lists some of them; ``fetched`` tells what was asked for."""

    folder: Path
    published: list[PublishedFile] = field(default_factory=list)
    transport: FakeTransport = field(default_factory=lambda: FakeTransport({}))
    controls: Controls = field(default_factory=Controls)
    is_offline: bool = False

    def __post_init__(self) -> None:
        self.made: FakeEnvironment = make_environment(self.folder / "env")
        self.make = WheelMaker(self.folder / "wheels")

    @property
    def fetched(self) -> list[str]:
        return [str(request.url).removeprefix(HOST) for request in self.transport.requests]

    @property
    def info(self) -> Path:
        return self.made.site_packages / "foo-1.0.dist-info"

    def publish(self, *paths: Path, **facts: object) -> None:
        for path in paths:
            data = path.read_bytes()
            url = f"{HOST}{len(self.published)}/{path.name}"
            self.transport.answers[url] = (OK, {}, data)
            file = PublishedFile(
                path.name, url, (("sha256", hashlib.sha256(data).hexdigest()),), size=len(data)
            )
            self.published.append(replace(file, **facts))  # type: ignore[arg-type]  # passed on

    def install(self, path: Path) -> None:
        lay(path, self.made)

    def rewrite(self, relative: str, content: str) -> None:
        """Change an installed file, and its row of RECORD with it."""
        path = self.made.site_packages / relative
        path.write_text(content, encoding="utf-8")
        digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()
        self.relist(relative, f"{relative},sha256={digest},{len(content)}")

    def relist(self, path: str, row: str) -> None:
        """Replace a row of the installed RECORD."""
        record = self.info / "RECORD"
        rows = record.read_text("utf-8").splitlines()
        kept = [row if each.startswith(f"{path},") else each for each in rows]
        record.write_text("\n".join(filter(None, kept)) + "\n", encoding="utf-8")

    def judge(self, asked: Property) -> Verdict:
        access = IndexAccess(self.transport, self.folder / "cache", is_offline=self.is_offline)
        store = WheelStore(self.folder / "cache")
        provenance = Provenance(PublishedRecords(access), StoredWheels(store, Downloads(access.transport)))
        auditor = Auditor(Shelf(tuple(self.published)), provenance, controls=self.controls)
        environment = ExistingEnvironment(str(self.made.path), CP311, (str(self.made.site_packages),))
        (verdict,) = auditor.audit(environment, asked)
        return verdict

    @property
    def best(self) -> Verdict:
        return self.judge(Property.BEST)

    @property
    def intact(self) -> Verdict:
        return self.judge(Property.INTACT)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def relisted(path: Path, edit: Callable[[str], str]) -> Path:
    """Give a wheel whose RECORD is edited, nothing else."""
    target = path.parent / "relisted" / path.name
    target.parent.mkdir()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            new.writestr(info, edit(data.decode()) if info.filename.endswith("/RECORD") else data)
    return target


def test_what_is_the_best_by_its_tags_costs_no_request(bench: Bench) -> None:
    wheel = bench.make("foo", files=FILES)
    bench.publish(wheel)
    bench.install(wheel)

    assert bench.best.kind == "best"
    assert bench.fetched == []


def test_a_wheel_that_says_otherwise_than_its_name_is_judged_by_the_file_that_it_is(bench: Bench) -> None:
    better = bench.make("foo", tag="py311-none-any", wheel_tags=["py3-none-any"], files=FILES)
    bench.publish(better, bench.make("foo", tag="py310-none-any"))
    bench.install(better)

    found = bench.best

    assert (found.kind, found.outcome) == ("mislabelled", "passed")
    assert found.installed is not None
    assert (found.installed.filename, found.installed.tags) == (better.name, ("py3-none-any",))
    assert found.installed.sha256 == bench.published[0].sha256
    clause = f"WHEEL says `py3-none-any`, it is the published `{better.name}`"
    assert found.warnings == (f"foo 1.0: {clause}",)
    assert found.message.startswith(f"foo 1.0 on cpython3.11: {clause}: installed `py311-none-any`, the best")


def test_a_mislabelled_one_fails_where_the_file_that_it_is_is_not_the_best(bench: Bench) -> None:
    worse = bench.make("foo", tag="py30-none-any", wheel_tags=["cp311-none-any"], files=FILES)
    best = bench.make("foo", tag="py311-none-any")
    bench.publish(worse, best)
    bench.install(worse)

    found = bench.best

    assert (found.kind, found.outcome) == ("mislabelled", "failed")
    assert f"it is the published `{worse.name}`: installed `py30-none-any`, better published" in found.message
    assert best.name in found.message
    assert found.warnings == ()


def test_a_file_of_another_interpreter_is_named_too(bench: Bench) -> None:
    foreign = bench.make("foo", tag="cp310-cp310-win32", wheel_tags=["py3-none-any"], files=FILES)
    bench.publish(foreign, bench.make("foo", tag="py311-none-any"))
    bench.install(foreign)

    found = bench.best

    assert (found.kind, found.outcome) == ("mislabelled", "failed")
    assert foreign.name in found.message


def test_what_no_record_knows_was_built_elsewhere(bench: Bench) -> None:
    bench.publish(bench.make("foo", tag="py311-none-any"))
    bench.install(bench.make("foo", tag="cp311-cp311-linux_x86_64", files=FILES))

    assert bench.best.kind == "rebuilt"
    assert len(bench.fetched) == 1
    assert bench.best.kind == "rebuilt"
    assert len(bench.fetched) == 1


def test_a_build_number_that_wheel_leaves_out_is_told_by_record(bench: Bench) -> None:
    plain = bench.make("foo", files=FILES)
    # The archive of the file without build number, under another name and with one file more.
    other = bench.make("foo", files=FILES | {"foo/more.py": ""})
    numbered = other.with_name("foo-1.0-1-py3-none-any.whl")
    shutil.copy(other, numbered)
    bench.publish(plain, numbered)

    bench.install(plain)
    assert bench.best.kind == "inferior"
    shutil.rmtree(bench.info)
    bench.install(numbered)

    assert (bench.best.kind, bench.best.outcome) == ("mislabelled", "passed")
    assert bench.best.installed is not None
    assert bench.best.installed.filename == numbered.name


def test_offline_what_it_was_is_unknown_until_it_is_kept(bench: Bench) -> None:
    wheel = bench.make("foo", tag="py311-none-any", wheel_tags=["py3-none-any"], files=FILES)
    bench.publish(wheel)
    bench.install(wheel)
    bench.is_offline = True
    assert [bench.best.kind, bench.intact.kind] == ["unknown", "unknown"]
    assert bench.fetched == []

    bench.is_offline = False
    assert bench.intact.kind == "intact"
    bench.is_offline = True
    assert [bench.best.kind, bench.intact.kind] == ["mislabelled", "intact"]
    assert len(bench.fetched) == 1


def test_a_file_that_the_index_lists_and_does_not_have_is_unreachable(bench: Bench) -> None:
    wheel = bench.make("foo", files=FILES)
    bench.publish(wheel)
    bench.install(wheel)
    bench.transport.answers.clear()

    assert bench.best.kind == "best"
    assert (bench.intact.kind, bench.intact.outcome) == ("unreachable", "failed")
    assert wheel.name in bench.intact.message


def test_a_hostile_record_is_no_measure_of_anything(bench: Bench) -> None:
    wheel = bench.make("foo", files=FILES)
    bench.install(wheel)
    bench.publish(relisted(wheel, lambda record: record + "../../../x,sha256=AAAA,1\n"))

    found = bench.intact

    assert (found.kind, found.outcome) == ("unknown", "skipped")
    assert "expected paths inside the wheel" in found.message


def test_what_was_installed_as_published_is_intact(bench: Bench) -> None:
    wheel = bench.make(
        "foo",
        files=FILES | {"foo/__pycache__/a.cpython-311.pyc": b"x"},
        data={
            "scripts/run": "#!python\nprint()\n",
            "scripts/other": "#!/bin/sh\n",
            "data/share/foo/a b.txt": "shared",
            "headers/foo/foo.h": "int x;",
            "purelib/foo/extra.py": "",
        },
        entry_points={"console_scripts": {"foo": "foo:main"}, "gui_scripts": {"foo-gui": "foo:main"}},
    )
    bench.publish(wheel)
    bench.install(wheel)

    found = bench.intact

    assert found.message.endswith(f"every file is as RECORD lists it and as in the published `{wheel.name}`")
    assert (found.kind, found.warnings) == ("intact", ())
    assert found.installed is not None
    assert found.installed.filename == wheel.name


def test_a_file_altered_by_one_byte_is_told(bench: Bench) -> None:
    wheel = bench.make("foo", files=FILES)
    bench.publish(wheel)
    bench.install(wheel)
    (bench.made.site_packages / "foo" / "data.txt").write_text("daTa", encoding="utf-8")

    found = bench.intact

    assert found.kind == "altered"
    assert found.message.endswith(
        "not as RECORD lists it: expected the sha256 of RECORD, found another in `foo/data.txt`"
    )


def test_a_record_that_was_rewritten_with_the_file_is_told_by_the_published_one(bench: Bench) -> None:
    wheel = bench.make("foo", files=FILES, data={"scripts/run": "#!python\nprint()\n"})
    bench.publish(wheel)
    bench.install(wheel)
    bench.rewrite("foo/data.txt", "evil")

    found = bench.intact

    assert found.kind == "altered"
    assert found.message.endswith(
        f"not the published `{wheel.name}` that WHEEL names: expected `foo/data.txt` as published, found another"
    )


@pytest.mark.parametrize(
    ("edit", "clause"),
    [
        (lambda rows: rows + "foo/more.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n", "is not published"),
        (lambda rows: "\n".join(row for row in rows.split("\n") if "data.txt" not in row), "found none in RECORD"),
    ],
)  # fmt: skip
def test_a_file_more_or_less_than_published_is_told(
    bench: Bench, edit: Callable[[str], str], clause: str
) -> None:
    wheel = bench.make("foo", files=FILES)
    bench.publish(wheel)
    bench.install(wheel)
    (bench.made.site_packages / "foo" / "more.py").touch()
    record = bench.info / "RECORD"
    record.write_text(edit(record.read_text("utf-8")), encoding="utf-8")

    assert bench.intact.kind == "altered"
    assert clause in bench.intact.message


def test_another_published_file_than_wheel_names_is_named(bench: Bench) -> None:
    other = bench.make("foo", tag="py310-none-any", wheel_tags=["py311-none-any"], files=FILES)
    named = bench.make("foo", tag="py311-none-any")
    bench.publish(named, other)
    bench.install(other)

    found = bench.intact

    assert found.kind == "altered"
    assert found.message.endswith(f"not the published `{named.name}` that WHEEL names: it is `{other.name}`")


def test_of_several_files_of_one_name_the_one_that_was_installed_counts(bench: Bench) -> None:
    one, other = bench.make("foo", files=FILES), bench.make("foo", files={"foo/__init__.py": "other = 1\n"})
    bench.publish(one, source="https://one.example/simple/")
    bench.publish(other, source="https://other.example/simple/")
    bench.install(other)

    found = bench.intact

    assert found.kind == "intact"
    assert found.installed is not None
    assert found.installed.sha256 == bench.published[1].sha256


def test_a_wheel_that_leaves_open_what_it_is_is_compared_with_what_its_record_says(bench: Bench) -> None:
    wheel = bench.make("foo", tag="py311-none-any", wheel_tags=["py3-none-any"], files=FILES)
    bench.publish(wheel)
    bench.install(wheel)

    assert bench.intact.kind == "intact"
    assert bench.intact.warnings == (
        f"foo 1.0: WHEEL says `py3-none-any`, it is the published `{wheel.name}`",
    )


def test_what_was_built_from_source_has_no_published_file(bench: Bench) -> None:
    bench.publish(bench.make("foo", tag="cp310-cp310-win32"))
    bench.install(bench.make("foo", files=FILES))

    assert bench.intact.kind == "intact"
    assert bench.intact.message.endswith("there is no published file to compare with")
    assert bench.fetched == []


def test_where_sources_alone_are_taken_no_published_wheel_counts(bench: Bench) -> None:
    bench.publish(bench.make("foo"))
    bench.install(bench.make("foo", files=FILES))
    assert bench.intact.kind == "altered"

    bench.controls = Controls(wheels_only=NameControl.of((), ["foo"]))
    assert bench.intact.kind == "intact"


def test_what_came_from_an_address_and_what_nobody_lists_is_not_compared(bench: Bench) -> None:
    wheel = bench.make("foo", files=FILES)
    bench.install(wheel)
    assert (bench.intact.kind, bench.intact.outcome) == ("unlisted", "skipped")

    shutil.rmtree(bench.info)
    bench.publish(bench.make("foo"))
    lay(wheel, bench.made, direct_url={"url": "https://files.example/foo.whl", "archive_info": {}})
    assert bench.intact.kind == "direct"
    assert bench.fetched == []


def _misfit(record: str) -> str:
    rows = record.split("\n")
    return "\n".join(
        "foo/data.txt,sha256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,4" if "data.txt" in row else row
        for row in rows
    )


def _unhashed(record: str) -> str:
    return "\n".join("foo/data.txt,," if "data.txt" in row else row for row in record.split("\n"))


def _unlisted(record: str) -> str:
    return "\n".join(row for row in record.split("\n") if "data.txt" not in row)


@pytest.mark.parametrize("edit", [_misfit, _unhashed, _unlisted])
@pytest.mark.parametrize("is_healed", [True, False])
def test_where_the_published_record_is_wrong_the_archive_counts(
    bench: Bench, edit: Callable[[str], str], is_healed: bool
) -> None:
    wheel = relisted(bench.make("foo", files=FILES), edit)
    bench.publish(wheel)
    bench.install(wheel)
    if is_healed:
        bench.rewrite("foo/data.txt", "data")
        if edit is _unlisted:
            bench.relist("foo/data.txt", "foo/data.txt,sha256=Om6weQ9bVq5y26X2-V0aBWKkrYQ1CiZ8ClNn8dLAxFw,4")
    expected = "RECORD of the published"

    found = bench.intact

    assert found.kind == "intact", found.message
    assert found.warnings[-1].startswith(expected)
    assert "`foo/data.txt`, which is as in its archive" in found.warnings[-1]
    bench.intact  # noqa: B018 - the archive is fetched once for all
    assert len(bench.fetched) == 2


def test_a_file_altered_where_the_published_record_is_wrong_is_still_told(bench: Bench) -> None:
    wheel = relisted(bench.make("foo", files=FILES), _misfit)
    bench.publish(wheel)
    bench.install(wheel)
    (bench.made.site_packages / "foo" / "data.txt").write_text("atad", encoding="utf-8")

    assert bench.intact.kind == "altered"
    assert len(bench.fetched) == 1


def test_a_row_of_the_installed_record_that_alone_is_wrong_is_told(bench: Bench) -> None:
    wheel = bench.make("foo", files=FILES)
    bench.publish(wheel)
    bench.install(wheel)
    bench.relist("foo/data.txt", "foo/data.txt,,")

    found = bench.intact

    assert found.kind == "altered"
    assert "expected a digest, found none in the row of `foo/data.txt`" in found.message


@pytest.mark.parametrize("algorithm", ["sha512", "sha384"])
@pytest.mark.parametrize("is_altered", [True, False])
def test_digests_of_another_algorithm_are_computed_from_disk(
    bench: Bench, algorithm: str, is_altered: bool
) -> None:
    wheel = bench.make("foo", files=FILES)
    content = b"evil" if is_altered else b"data"
    digest = base64.urlsafe_b64encode(hashlib.new(algorithm, content).digest()).rstrip(b"=").decode()
    bench.publish(relisted(wheel, lambda record: _with_row(record, f"foo/data.txt,{algorithm}={digest},4")))
    bench.install(wheel)

    if not is_altered:
        assert bench.intact.kind == "intact"
        assert bench.intact.warnings == ()
    else:
        # The archive holds other bytes than its RECORD says, and those are what is installed.
        assert "is wrong about `foo/data.txt`" in bench.intact.warnings[-1]


def _with_row(record: str, row: str) -> str:
    return "\n".join(row if "data.txt" in each else each for each in record.split("\n"))


def test_order_quoting_and_roundabout_paths_of_record_do_not_count(bench: Bench) -> None:
    wheel = bench.make("foo", files=FILES | {"foo/a,b.txt": "x"})
    bench.publish(wheel)
    bench.install(wheel)
    record = bench.info / "RECORD"
    rows = record.read_text("utf-8").splitlines()
    rows = [
        row.replace("foo/data.txt,", '"foo/../foo/data.txt",') if row.startswith("foo/data.txt,") else row
        for row in reversed(rows)
    ]
    record.write_text("\r\n".join(rows), encoding="utf-8")

    assert bench.intact.kind == "intact"


def test_a_compressed_set_of_tags_is_the_same_as_its_lines(bench: Bench) -> None:
    wheel = bench.make("foo", tag="py2.py3-none-any", files=FILES)
    bench.publish(wheel)
    bench.install(wheel)

    assert bench.best.kind == "best"
    assert bench.intact.kind == "intact"
    assert len(bench.fetched) == 1


def test_what_is_published_is_asked_for_side_by_side_and_once(bench: Bench) -> None:
    wheel = bench.make("foo", files=FILES)
    bench.publish(wheel)
    bench.install(wheel)

    assert Version(bench.intact.version) == Version("1.0")
    assert len(bench.fetched) == 1
