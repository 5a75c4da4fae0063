"""Hash-checking on the command line: nothing is installed, and no code of a source is run, that was not checked."""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_wheeltag.workshop import LocalIndex, Recipe, WheelMaker

Try = Callable[..., tuple[int, str, str]]
EXPLOSIVE = Recipe(failure="the code of the source ran")
WRONG = "0" * 64


def sha(path: Path, algorithm: str = "sha256") -> str:
    return hashlib.new(algorithm, path.read_bytes()).hexdigest()


@pytest.fixture
def refuse(attempt: Try, tmp_path: Path) -> Callable[..., str]:
    """Run `wheeltag venv`, which must refuse in one line, run no source and leave no environment."""

    def run(*arguments: str) -> str:
        status, _, err = attempt("venv", "env", f"--python={sys.executable}", *arguments)
        assert status != 0
        assert err.count("\n") == 1
        assert "the code of the source ran" not in err
        assert not (tmp_path / "env").exists()
        return err

    return run


def test_only_what_is_pinned_can_be_checked(refuse: Callable[..., str]) -> None:
    assert "must be pinned with `==`" in refuse("--require-hashes", "foo")


def test_the_hashes_of_constraints_say_which_version_is_meant(
    attempt: Try, index: LocalIndex, make_wheel: WheelMaker, tmp_path: Path
) -> None:
    old, new = make_wheel("foo", "1.0"), make_wheel("foo", "2.0")
    for path in (old, new):
        index.add(path)
    constraints = tmp_path / "constraints.txt"

    for pinned in ("foo==1.0", "foo"):
        constraints.write_text(f"{pinned} --hash=sha256:{sha(old)}", encoding="utf-8")
        status, out, err = attempt("resolve", "foo", "-c", "constraints.txt")
        assert (status, old.name in out, new.name in out) == (0, True, False), err


@pytest.mark.parametrize("way", ["path", "local address", "address"])
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_a_file_by_its_address_is_checked_before_it_is_used(
    way: str, kind: str, refuse: Callable[..., str], index: LocalIndex, make_wheel: WheelMaker, tmp_path: Path
) -> None:
    path = make_wheel("foo") if kind == "wheel" else make_wheel.sdist("foo", recipe=EXPLOSIVE)
    index.add(path)
    ways = {"path": str(path), "local address": path.as_uri(), "address": index.file_url(path.name)}
    where = ways[way]
    file = tmp_path / "requirements.txt"

    claims = [f"{where} --hash=sha256:{WRONG}", f"{where}#sha256={WRONG}"]
    for line in claims[: 1 if way == "path" else 2]:
        file.write_text(line, encoding="utf-8")
        assert f"{path.name} is refused, expected" in refuse("-r", "requirements.txt")
    file.write_text(where, encoding="utf-8")
    assert "every file by its address needs one, found" in refuse(
        "--require-hashes", "-r", "requirements.txt"
    )


def test_no_source_of_an_index_is_run_before_its_hash_is_known(
    refuse: Callable[..., str], index: LocalIndex, make_wheel: WheelMaker, tmp_path: Path
) -> None:
    foo, bar = make_wheel("foo", requires=["bar"]), make_wheel.sdist("bar", recipe=EXPLOSIVE)
    for path in (foo, bar):
        index.add(path)
    file = tmp_path / "requirements.txt"

    file.write_text(f"foo==1.0 --hash=sha256:{sha(foo)}\n", encoding="utf-8")
    assert "every distribution needs one" in refuse("-r", "requirements.txt")
    file.write_text(file.read_text(encoding="utf-8") + f"bar==1.0 --hash=sha256:{WRONG}\n", encoding="utf-8")
    assert "bar" in refuse("-r", "requirements.txt")


def test_no_source_in_a_folder_is_run_before_its_hash_is_known(
    refuse: Callable[..., str], make_wheel: WheelMaker, tmp_path: Path
) -> None:
    bar = make_wheel.sdist("bar", recipe=EXPLOSIVE)
    file = tmp_path / "requirements.txt"
    file.write_text(
        f"--no-index\n--find-links={bar.parent}\nbar==1.0 --hash=sha512:{'0' * 128}\n", encoding="utf-8"
    )

    assert "bar-1.0.tar.gz is refused, expected sha512" in refuse("-r", "requirements.txt")


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_files_that_a_lock_finds_beside_it_are_checked_by_every_hash(
    kind: str, refuse: Callable[..., str], make_wheel: WheelMaker, tmp_path: Path
) -> None:
    path = make_wheel("foo") if kind == "wheel" else make_wheel.sdist("foo", recipe=EXPLOSIVE)
    hashes = f'hashes = {{sha256 = "{sha(path)}", sha512 = "{"0" * 128}"}}'
    entry = f'{{path = "wheels/{path.name}", {hashes}}}'
    (tmp_path / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "a test"\n[[packages]]\nname = "foo"\nversion = "1.0"\n'
        + (f"wheels = [{entry}]\n" if kind == "wheel" else f"sdist = {entry}\n"),
        encoding="utf-8",
    )

    assert f"{path.name} is refused, expected sha512" in refuse("-r", "pylock.toml")


def test_hashes_are_not_both_required_and_waived(refuse: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("--no-require-hashes\nfoo==1.0\n", encoding="utf-8")

    assert "one of the two, not both" in refuse("--require-hashes", "-r", "requirements.txt")


def test_what_is_no_hash_is_said_at_once(refuse: Callable[..., str]) -> None:
    line = "https://files.example/foo-1.0-py3-none-any.whl#sha256=zz"
    assert "expected a sha256 of 64 hexadecimal digits, found: `sha256=zz`" in refuse(line)
