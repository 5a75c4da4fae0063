from pytest_wheeltag.core.lockfile import read_lock
from pytest_wheeltag.core.lockmisfits import describe_misfits
from pytest_wheeltag.workshop.imagined import imagine_interpreter

WHEEL = '{path = "%s", hashes = {sha256 = "00"}}'
LOCK = f"""\
lock-version = "1.0"
created-by = "hand"
requires-python = ">=3.13"
environments = ["os_name == 'nt'"]
packages = [
    {{name = "bar", directory = {{path = "bar"}}}},
    {{name = "bar", marker = "python_version > '3'", directory = {{path = "bar2"}}}},
    {{name = "bar", marker = "python_version < '3'", directory = {{path = "bar3"}}}},
    {{name = "foo", requires-python = "<3", wheels = [{WHEEL % "foo-1-cp39-none-any.whl"}]}},
    {{name = "baz", wheels = [{WHEEL % "baz-1-cp39-none-any.whl"}], sdist = {WHEEL % "baz-1.tar.gz"}}},
]
"""


def describe(text: str, python: str = "3.11.7") -> list[str]:
    lock = read_lock(text.encode(), "pylock.toml", "file:///work/")
    return list(describe_misfits(lock, imagine_interpreter(python)))


def test_each_rule_that_does_not_hold_is_told_in_the_order_of_the_specification() -> None:
    assert describe(LOCK) == [
        "pylock.toml requires another Python than 3.11.7: `>=3.13`",
        'pylock.toml was made for other environments: `os_name == "nt"`',
        "`foo` of pylock.toml requires another Python than 3.11.7: `<3`",
        "2 entries of pylock.toml apply at once, so one may be wanted without the other's extra or group: `bar`",
        (
            "no compatible wheel is locked and no source distribution (the nearest miss is foo-1-cp39-none-any.whl: "
            "no tag of it is accepted, cp39-none-any), asked for by pylock.toml: `foo 1`"
        ),
    ]


def test_of_a_lock_that_fits_there_is_nothing_to_tell() -> None:
    assert describe('lock-version = "1.0"\ncreated-by = "hand"\npackages = []\n') == []
