from collections.abc import Callable

import pytest

from pytest_wheeltag.core.pathways import Answer, Pathways


def told(**answers: Answer) -> Callable[[str], Answer]:
    return lambda question: answers[question]


def test_who_is_told_the_same_ends_at_the_same_place() -> None:
    pathways: Pathways[str, str] = Pathways()
    assert pathways.follow(told()) is None

    pathways.add([("a", 1), ("b", (2,))], "there")

    assert pathways.follow(told(a=1, b=(2,))) == "there"
    assert pathways.follow(told(a=1, b=(3,))) is None
    assert pathways.follow(told(a=0)) is None


def test_after_another_answer_something_else_may_be_asked() -> None:
    pathways: Pathways[str, str] = Pathways()
    pathways.add([("a", 1), ("b", 2)], "there")
    pathways.add([("a", None), ("c", 3)], "elsewhere")
    pathways.add([("a", 1), ("b", None), ("d", 4)], "nowhere")

    assert pathways.follow(told(a=None, c=3)) == "elsewhere"
    assert pathways.follow(told(a=1, b=None, d=4)) == "nowhere"
    assert pathways.follow(told(a=1, b=2)) == "there"


def test_what_nobody_asked_has_one_end() -> None:
    pathways: Pathways[str, str] = Pathways()
    pathways.add([], "here")

    assert pathways.follow(told()) == "here"


def test_what_cannot_be_answered_is_raised() -> None:
    pathways: Pathways[str, str] = Pathways()
    pathways.add([("a", 1)], "there")

    with pytest.raises(KeyError):
        pathways.follow(told())
