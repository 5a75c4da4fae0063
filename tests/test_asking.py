"""What people can hand to the command line, tried as they would type it."""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_wheeltag.workshop import LocalIndex, Recipe, SdistSpec, WheelMaker
from pytest_wheeltag.workshop.sdists import write_source_tree

Try = Callable[..., tuple[int, str, str]]
HERE = f"--python={sys.executable}"


def dist_infos(folder: Path) -> set[str]:
    return {
        path.name.removesuffix(".dist-info") for path in folder.glob("lib/python*/site-packages/*.dist-info")
    }


def direct_url(folder: Path, stem: str) -> object:
    (path,) = folder.glob(f"lib/python*/site-packages/{stem}.dist-info/direct_url.json")
    return json.loads(path.read_text(encoding="utf-8"))


def test_files_and_trees_by_path_and_address(
    attempt: Try, index: LocalIndex, make_wheel: WheelMaker, tmp_path: Path
) -> None:
    wheel, sdist = make_wheel("awheel", requires=["needed"]), make_wheel.sdist("bsource", extras=["x"])
    tree = write_source_tree(SdistSpec("ctree", "1.0"), tmp_path)
    far = make_wheel("far", "3.0")
    for path in (make_wheel("needed"), far):
        index.add(path)

    status, out, err = attempt(
        "venv",
        "env",
        HERE,
        str(wheel),
        f"{sdist.relative_to(tmp_path)}[x]",
        f"./{tree.name}",
        index.file_url(far.name),
    )

    assert status == 0, err
    env = tmp_path / "env"
    assert dist_infos(env) == {"awheel-1.0", "bsource-1.0", "ctree-1.0", "far-3.0", "needed-1.0"}
    digest = hashlib.sha256(sdist.read_bytes()).hexdigest()
    archive = {"hash": f"sha256={digest}", "hashes": {"sha256": digest}}
    assert direct_url(env, "bsource-1.0") == {"archive_info": archive, "url": sdist.as_uri()}
    assert direct_url(env, "ctree-1.0") == {"dir_info": {}, "url": tree.as_uri()}
    assert not list(env.glob("lib/python*/site-packages/needed-1.0.dist-info/direct_url.json"))
    requested = {path.parent.name for path in env.glob("lib/python*/site-packages/*/REQUESTED")}
    assert requested == {
        f"{each}.dist-info" for each in ("awheel-1.0", "bsource-1.0", "ctree-1.0", "far-3.0")
    }
    assert f"installed ctree 1.0 built from source, {tree.as_uri()}" in [
        " ".join(line.split()) for line in out.splitlines()
    ]


def test_a_file_asked_for_again_stays_until_it_is_another_one(
    attempt: Try, make_wheel: WheelMaker, tmp_path: Path
) -> None:
    wheel = make_wheel("foo", files={"foo.py": "first"})
    attempt("venv", "env", HERE, str(wheel))

    assert "kept foo 1.0" in attempt("install", "--python=env", str(wheel))[1]
    # The same name and version, and other content: pip would leave the old one.
    wheel.write_bytes(WheelMaker(tmp_path / "other")("foo", files={"foo.py": "second"}).read_bytes())
    assert "removed foo 1.0" in attempt("install", "--python=env", str(wheel))[1]
    (module,) = (tmp_path / "env").glob("lib/python*/site-packages/foo.py")
    assert module.read_text(encoding="utf-8") == "second"
    assert "removed foo 1.0" in attempt("install", "--python=env", "--force-reinstall", str(wheel))[1]


def test_a_requirements_file_with_all_that_belongs_to_it(
    attempt: Try, index: LocalIndex, make_wheel: WheelMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("1.0", "2.0", "3.0"):
        index.add(make_wheel("foo", version))
    index.add(make_wheel("bar", "2.0"))
    shelf = tmp_path / "shelf"
    WheelMaker(shelf)("shelved")
    tree = write_source_tree(SdistSpec("edited", "1.0"), tmp_path)
    (tmp_path / "more.txt").write_text("bar  # nothing else\n", encoding="utf-8")
    (tmp_path / "bounds.txt").write_text("foo<3\n", encoding="utf-8")
    (tmp_path / "requirements.txt").write_text(
        f"--find-links {shelf}\n-r more.txt\n-c bounds.txt\n-e ./{tree.name}\n"
        "foo \\\n  >= ${LEAST}\nshelved\nabsent; python_version < '3'\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("LEAST", "1.0")

    status, _, err = attempt("venv", "env", HERE, "-r", "requirements.txt")

    assert status == 0, err
    assert dist_infos(tmp_path / "env") == {"foo-2.0", "bar-2.0", "shelved-1.0", "edited-1.0"}
    assert direct_url(tmp_path / "env", "edited-1.0") == {
        "dir_info": {"editable": True},
        "url": tree.as_uri(),
    }


def test_a_constraints_file_at_an_address(
    attempt: Try, index: LocalIndex, make_wheel: WheelMaker, tmp_path: Path
) -> None:
    for version in ("1.0", "2.0"):
        index.add(make_wheel("foo", version))
    from pytest_wheeltag.workshop import Answer  # noqa: PLC0415

    index.answer("/bounds.txt", Answer.of_text("foo<2\n", "text/plain"))

    status, _, err = attempt("venv", "env", HERE, "foo", "-c", index.url.replace("/simple/", "/bounds.txt"))

    assert status == 0, err
    assert dist_infos(tmp_path / "env") == {"foo-1.0"}


def test_a_project_with_extras_and_groups(
    attempt: Try, index: LocalIndex, make_wheel: WheelMaker, tmp_path: Path
) -> None:
    for name in ("always", "fast", "testing", "base"):
        index.add(make_wheel(name))
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "mine"\nversion = "1"\ndependencies = ["always"]\n'
        '[project.optional-dependencies]\nspeed = ["fast"]\n'
        '[dependency-groups]\nbase = ["base"]\ntest = ["testing", {include-group = "base"}]\n',
        encoding="utf-8",
    )

    status, _, err = attempt("venv", "env", HERE, "-r", "pyproject.toml", "--extra=Speed", "--group=test")

    assert status == 0, err
    assert dist_infos(tmp_path / "env") == {"always-1.0", "fast-1.0", "testing-1.0", "base-1.0"}
    assert "nearest is `speed`" in attempt("venv", "other", HERE, "-r", "pyproject.toml", "--extra=sped")[2]


def test_hashes_of_all_or_of_none(
    attempt: Try, index: LocalIndex, make_wheel: WheelMaker, tmp_path: Path
) -> None:
    foo, bar = make_wheel("foo", requires=["bar"]), make_wheel("bar")
    for path in (foo, bar):
        index.add(path)
    digests = {path.name[:3]: hashlib.sha512(path.read_bytes()).hexdigest() for path in (foo, bar)}
    lines = [f"{name}==1.0 --hash=sha512:{digest}" for name, digest in digests.items()]
    file = tmp_path / "requirements.txt"

    file.write_text(lines[0], encoding="utf-8")
    assert (
        "every distribution needs one, add to what is asked for: `bar==1.0 --hash=sha256:"
        in (attempt("venv", "env", HERE, "-r", "requirements.txt")[2])
    )
    file.write_text("\n".join(lines), encoding="utf-8")
    assert attempt("venv", "env", HERE, "-r", "requirements.txt")[0] == 0
    file.write_text("\n".join(lines).replace(digests["bar"][:8], "00000000"), encoding="utf-8")
    status, _, err = attempt("venv", "other", HERE, "-r", "requirements.txt")
    assert (status, "bar-1.0-py3-none-any.whl is refused, expected sha512" in err) == (1, True)
    assert not (tmp_path / "other").exists()


def test_a_lock_says_it_all(attempt: Try, index: LocalIndex, make_wheel: WheelMaker, tmp_path: Path) -> None:
    minor = sys.version_info[1]
    wheels = [
        make_wheel("foo", tag=f"py3{each}-none-any", requires=["never-looked-at"])
        for each in (minor - 1, minor)
    ]
    listed = ",".join(
        f'{{url = "{index.file_url(index.add(path).filename)}", '
        f'hashes = {{sha256 = "{hashlib.sha256(path.read_bytes()).hexdigest()}"}}}}'
        for path in wheels
    )
    (tmp_path / "pylock.toml").write_text(
        f'lock-version = "1.0"\ncreated-by = "a test"\n[[packages]]\nname = "foo"\nversion = "1.0"\nwheels = [{listed}]\n',
        encoding="utf-8",
    )

    status, out, err = attempt("venv", "env", HERE, "-r", "pylock.toml")

    assert status == 0, err
    assert f"installed foo-1.0-py3{minor}-none-any.whl" in out
    assert not [request for request in index.requests if request.path.startswith("/simple/")]
    assert "kept foo 1.0" in attempt("install", "--python=env", "-r", "pylock.toml")[1]
    assert "stands alone" in attempt("install", "--python=env", "-r", "pylock.toml", "bar")[2]
    (tmp_path / "bounds.txt").write_text("foo<1\n", encoding="utf-8")
    bound = attempt("install", "--python=env", "-r", "pylock.toml", "-c", "bounds.txt")
    assert (bound[0], "the lock says foo 1.0, which a constraint of" in bound[2]) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["git+https://me:secret@host.example/foo"], "clone it and take the folder"),
        (["foo @ git+ssh://git@host.example/foo"], "clone it and take the folder"),
        (["./nowhere"], "expected a path where there is a wheel"),
        (["-e", "foo"], "expected the folder of a source tree"),
        (["-r", "options.txt"], "options.txt:2: expected an option that a requirements file may hold"),
        (["-r", "absent.txt"], "expected a file that can be read"),
        (["foo", "-C", "novalue"], "expected a config setting like `KEY=VALUE`"),
        (["--group=absent"], "expected a file that can be read"),
        (["foo", "--extra=fast"], "a pyproject.toml or a pylock.toml, given with `-r`"),
    ],
)
def test_what_cannot_be_asked_for_is_one_line_and_exits_2(
    arguments: list[str], message: str, attempt: Try, tmp_path: Path
) -> None:
    (tmp_path / "options.txt").write_text("foo\n--no-such-option\n", encoding="utf-8")

    status, _, err = attempt("resolve", *arguments)

    assert (status, err.count("\n")) == (2, 1)
    assert message in err
    assert "secret" not in err


def test_a_file_that_asks_for_nothing_is_an_answer_and_no_file_at_all_a_mistake(
    attempt: Try, tmp_path: Path
) -> None:
    (tmp_path / "empty.txt").write_text("# nothing yet\n", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("[dependency-groups]\nnone = []\n", encoding="utf-8")

    for arguments in (["-r", "empty.txt"], ["--group=none"]):
        status, out, err = attempt("resolve", "--json", *arguments)
        assert (status, json.loads(out)["files"]) == (0, []), err
    assert attempt("install", f"--python={tmp_path}")[0] == 2


def test_kinds_of_files_may_be_chosen_as_flags_and_with_names(
    attempt: Try, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    index.add(make_wheel("foo", "1.0"))
    index.add(make_wheel.sdist("foo", "2.0"))
    index.add(make_wheel("foo", "3.0rc1"))

    def chosen(*arguments: str) -> list[str]:
        status, out, err = attempt("resolve", "--json", *arguments)
        assert status == 0, err
        return [f"{file['filename']} {file['rank'] is not None}" for file in json.loads(out)["files"]]

    assert chosen("foo") == ["foo-2.0.tar.gz False"]
    for flags in (["--only-binary", "foo"], ["foo", "--only-binary", ":all:"], ["--only-binary=foo", "foo"]):
        assert chosen(*flags) == ["foo-1.0-py3-none-any.whl True"]
    assert chosen("--prefer-binary", "foo") == ["foo-1.0-py3-none-any.whl True"]
    assert chosen("--pre", "foo") == ["foo-3.0rc1-py3-none-any.whl True"]
    assert chosen("foo", "--no-binary=foo", "--pre") == ["foo-2.0.tar.gz False"]


def test_a_failed_build_is_shown_from_its_end(attempt: Try, make_wheel: WheelMaker, tmp_path: Path) -> None:
    sdist = make_wheel.sdist("foo", recipe=Recipe(failure="no compiler here"))

    status, _, err = attempt("venv", "env", HERE, str(sdist))

    lines = err.splitlines()
    assert status == 1
    assert "its backend failed: `RuntimeError: no compiler here`; its whole output: `" in lines[1]
    assert lines[-1] == "  RuntimeError: no compiler here"
    log = Path(lines[1].rpartition("`; its whole output: `")[2].rstrip("`"))
    assert log.read_text(encoding="utf-8").rstrip().endswith("no compiler here")
    assert not (tmp_path / "env").exists()


def test_bytecode_as_pip_leaves_it_or_none(attempt: Try, make_wheel: WheelMaker, tmp_path: Path) -> None:
    wheel = str(make_wheel("foo", files={"foo/__init__.py": "", "foo/broken.py": "this is no Python"}))
    attempt("venv", "plain", HERE, wheel)
    status, _, err = attempt("venv", "compiled", HERE, wheel, "--bytecode=all")

    assert status == 0, err
    assert not list((tmp_path / "plain").glob("lib/python*/site-packages/foo/__pycache__"))
    (made,) = (tmp_path / "compiled").glob("lib/python*/site-packages/foo/__pycache__/*")
    (record,) = (tmp_path / "compiled").glob("lib/python*/site-packages/foo-1.0.dist-info/RECORD")
    assert f"foo/__pycache__/{made.name},,\n" in record.read_text(encoding="utf-8")
    assert (
        "--bytecode: expected `none` or `all`, found: `some`"
        in attempt("venv", "x", HERE, wheel, "--bytecode=some")[2]
    )


def test_an_address_of_another_machine_is_not_asked_offline(attempt: Try) -> None:
    status, _, err = attempt(
        "venv", "env", HERE, "--offline", "https://host.example/foo-1.0-py3-none-any.whl"
    )

    assert status == 1
    assert "run once without offline: `https://host.example/foo-1.0-py3-none-any.whl`" in err


def test_what_no_longer_fits_together_is_told(
    attempt: Try, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    index.add(make_wheel("foo", requires=["bar<2"]))
    index.add(make_wheel("bar", "1.0"))
    index.add(make_wheel("bar", "2.0"))
    attempt("venv", "env", HERE, "foo")

    status, _, err = attempt("install", "--python=env", "bar>=2")

    assert status == 0
    assert "foo 1.0 requires bar<2, but bar 2.0 is installed" in err
