import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.core.verdict import Outcome, VerdictKind
from pytest_wheeltag.errors import EnvironmentNotFoundError, OfflineError, ResolutionError, UsageError
from pytest_wheeltag.supplies import ProvisionOptions
from pytest_wheeltag.system.environment import Environment, open_environment
from pytest_wheeltag.system.linker import LinkOptions
from pytest_wheeltag.system.links import LinkMode
from pytest_wheeltag.system.sources import SourceOptions
from pytest_wheeltag.workplace import Workplace
from pytest_wheeltag.workshop import LocalIndex, WheelMaker, write_find_links

FOO = canonicalize_name("foo")


def test_opening_it_touches_nothing(tmp_path: Path) -> None:
    Workplace(SourceOptions(tmp_path / "cache", index_url="nonsense"), {})

    assert not (tmp_path / "cache").exists()


def test_everything_lies_in_one_cache(
    place: Workplace,
    index: LocalIndex,
    make_wheel: WheelMaker,
    running_interpreter: Interpreter,
    tmp_path: Path,
) -> None:
    index.add(make_wheel("foo"))

    place.furnish(tmp_path / "env", running_interpreter, parse_request(["foo"]))

    assert (place.cache, place.cache.is_dir()) == (tmp_path / "cache", True)
    assert (place.cache / "CACHEDIR.TAG").is_file()
    assert {"wheels-v1", "virtualenv-v1"} <= {path.name for path in place.cache.iterdir()}


def test_an_address_that_is_none_is_told_when_it_is_needed(tmp_path: Path) -> None:
    place = Workplace(SourceOptions(tmp_path / "cache", index_url="nonsense"), {})

    with pytest.raises(UsageError, match="found: `nonsense`"):
        _ = place.opened


def test_what_was_installed_is_judged_against_the_same_index(
    place: Workplace,
    index: LocalIndex,
    make_wheel: WheelMaker,
    make_environment: Callable[[str], Environment],
) -> None:
    index.add(make_wheel("foo"))
    environment = make_environment("env")
    place.provisioner.install(environment, parse_request(["foo"]))

    (verdict,) = place.auditor.audit(environment.as_existing())

    assert (verdict.name, verdict.kind, verdict.outcome) == ("foo", VerdictKind.BEST, Outcome.PASSED)


def test_a_furnished_environment_is_complete_or_not_there(
    place: Workplace,
    index: LocalIndex,
    make_wheel: WheelMaker,
    running_interpreter: Interpreter,
    tmp_path: Path,
) -> None:
    index.add(make_wheel("foo"))

    report = place.furnish(tmp_path / "good", running_interpreter, parse_request(["foo"]))
    with pytest.raises(ResolutionError):
        place.furnish(tmp_path / "bad", running_interpreter, parse_request(["absent"]))

    assert [choice.name for choice in report.installed] == ["foo"]
    assert open_environment(tmp_path / "good", running_interpreter) is not None
    assert not (tmp_path / "bad").exists()


def test_an_environment_that_is_there_is_opened_and_nothing_else_is(
    place: Workplace, make_environment: Callable[[str], Environment], tmp_path: Path
) -> None:
    made = make_environment("env")

    assert place.open_environment(made.prefix).site_packages == made.site_packages
    with pytest.raises(EnvironmentNotFoundError):
        place.open_environment(tmp_path / "absent")


def test_one_index_alone_leaves_out_all_that_is_configured(
    place: Workplace, make_wheel: WheelMaker, tmp_path: Path
) -> None:
    links = write_find_links(tmp_path / "links", [make_wheel("foo", "9.0")])
    sources = replace(
        place.sources,
        extra_index_urls=(place.sources.index_url or "",),
        find_links=(str(links),),
        no_index=True,
    )
    configured = replace(place, sources=sources, environ={**place.environ, "PIP_FIND_LINKS": str(links)})
    with LocalIndex() as other:
        other.add(make_wheel("foo", "1.0"))
        alone = configured.with_index(other.url)

        assert [file.filename for file in alone.opened.catalogue.files(FOO).files] == [
            "foo-1.0-py3-none-any.whl"
        ]
        other.add(make_wheel("foo", "2.0"))
        assert len(alone.opened.catalogue.files(FOO).files) == 1
        assert len(configured.with_index(other.url).opened.catalogue.files(FOO).files) == 2
    assert len(configured.opened.catalogue.files(FOO).files) == 1


def test_offline_one_index_on_loopback_is_asked_and_no_other(
    place: Workplace, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    index.add(make_wheel("foo"))
    offline = replace(place, sources=replace(place.sources, is_offline=True))

    with pytest.raises(OfflineError):
        offline.opened.catalogue.files(FOO)
    assert offline.with_index(index.url).opened.catalogue.files(FOO).files
    assert offline.with_index("https://index.example/simple/").sources.is_offline


def test_offline_a_folder_of_wheels_is_enough(
    place: Workplace, make_wheel: WheelMaker, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    links = write_find_links(tmp_path / "links", [make_wheel("foo", requires=["bar"]), make_wheel("bar")])
    sources = SourceOptions(place.sources.cache, no_index=True, find_links=(str(links),), is_offline=True)
    offline = replace(place, sources=sources)

    report = offline.furnish(tmp_path / "env", running_interpreter, parse_request(["foo"]))

    assert [choice.name for choice in report.installed] == ["bar", "foo"]


def test_options_are_replaced_one_by_one(place: Workplace) -> None:
    bare = place.with_options(ProvisionOptions(with_dependencies=False))
    linked = bare.with_links(LinkOptions(LinkMode.COPY))

    assert (linked.options.with_dependencies, linked.options.links.mode) == (False, LinkMode.COPY)
    assert place.options.with_dependencies
    assert linked.sources is place.sources


def test_it_shows_no_secret(tmp_path: Path) -> None:
    place = Workplace(
        SourceOptions(tmp_path / "cache", index_url="https://user:hunter2@index.example/simple/"),
        {"PASSWORD": "hunter2", "PATH": os.defpath},
    )

    assert "hunter2" not in repr(place.opened) + place.opened.describe()
    assert "hunter2" not in repr(place)


def test_what_pip_is_constrained_to_binds_us_too(
    place: Workplace,
    index: LocalIndex,
    make_wheel: WheelMaker,
    running_interpreter: Interpreter,
    tmp_path: Path,
) -> None:
    for version in ("1.0", "2.0"):
        index.add(make_wheel("foo", version))
    file = tmp_path / "constraints.txt"
    file.write_text("# ours\nfoo<2\n", encoding="utf-8")
    bound = replace(place, environ={**place.environ, "PIP_CONSTRAINT": str(file)})

    (choice,) = bound.provisioner.resolve(parse_request(["foo"]), running_interpreter).choices

    assert str(choice.version) == "1.0"
    assert bound.opened.pip_variables()["PIP_CONSTRAINT"] == str(file)
    # An index of a test's own is asked alone, whatever binds others.
    (choice,) = (
        bound.with_index(index.url).provisioner.resolve(parse_request(["foo"]), running_interpreter).choices
    )
    assert str(choice.version) == "2.0"
    file.write_text("foo=<2\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"constraints\.txt:1"):
        _ = replace(bound).provisioner
    file.unlink()
    with pytest.raises(UsageError, match=r"pip's constraint: .*constraints\.txt"):
        _ = replace(bound).provisioner
