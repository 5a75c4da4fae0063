import os
import stat
from pathlib import Path

import pytest

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.system.images import EnvironmentImage, EnvironmentImages, can_be_written, take_image

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes and links as POSIX has them")


def test_what_names_the_place_is_named_anew_and_the_rest_is_the_same(tmp_path: Path) -> None:
    first, second = tmp_path / "first-of-all", tmp_path / "other" / "second"
    (first / "lib" / "inner").mkdir(parents=True)
    (first / "lib64").symlink_to("lib")
    (first / "activate").write_text(f"cd {first}/bin # first-of-all, {first}\n")
    (first / "lib" / "run").write_bytes(b"\0\xff")
    (first / "lib" / "run").chmod(0o755)
    image = take_image(first)
    assert image is not None

    second.mkdir(parents=True)
    image.write(second)

    assert sorted(str(each.relative_to(second)) for each in second.rglob("*")) == [
        "activate",
        "lib",
        "lib/inner",
        "lib/run",
        "lib64",
    ]
    assert (second / "activate").read_text() == f"cd {second}/bin # second, {second}\n"
    assert (second / "lib" / "run").read_bytes() == b"\0\xff"
    assert stat.S_IMODE((second / "lib" / "run").stat().st_mode) == 0o755
    assert (second / "lib64").readlink() == Path("lib")


def test_what_is_in_the_way_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "pyvenv.cfg").write_text("ours")
    image = take_image(tmp_path / "first")
    assert image is not None
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / "pyvenv.cfg").write_text("theirs")

    with pytest.raises(FileExistsError):
        image.write(tmp_path / "second")
    assert (tmp_path / "second" / "pyvenv.cfg").read_text() == "theirs"


def test_no_image_is_taken_of_a_copied_interpreter(tmp_path: Path) -> None:
    (tmp_path / "python").write_bytes(bytes(1 << 17))
    assert take_image(tmp_path) is None


def test_an_image_is_taken_when_a_second_environment_is_made_and_no_more(
    tmp_path: Path, interpreter: Interpreter
) -> None:
    taken: list[EnvironmentImage | None] = []
    images = EnvironmentImages()

    def take() -> EnvironmentImage | None:
        taken.append(take_image(tmp_path))
        return taken[-1]

    assert images.find(interpreter, take) is None
    assert taken == []
    found = [images.find(interpreter, take), images.find(interpreter, take)]
    assert [taken[0], taken[0]] == found
    assert len(taken) == 1


def test_that_there_is_no_image_is_remembered_too(interpreter: Interpreter) -> None:
    asked: list[None] = []
    images = EnvironmentImages()
    assert [images.find(interpreter, lambda: asked.append(None)) for _ in range(4)] == [None] * 4
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("path", "can"), [("/tmp/a-b_c.d", True), ("/tmp/with space", False), ("/tmp/it's", False), ("/ü", False)]
)
def test_only_paths_that_no_shell_quotes_are_written(path: str, can: bool) -> None:
    assert can_be_written(Path(path)) is can
