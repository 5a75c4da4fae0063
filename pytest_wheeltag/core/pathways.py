"""The ways that searches went: what each asked, what it was told, and where that led."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

QuestionT = TypeVar("QuestionT")
EndT = TypeVar("EndT")
Answer = Hashable
"""What a search is told: something that can be compared, whoever is asked."""


@dataclass
class _Fork(Generic[QuestionT, EndT]):
    """What is asked at one place of a way, and how it goes on after each answer so far; at its end, what was found."""

    question: QuestionT | None = None
    ways: "list[tuple[Answer, _Fork[QuestionT, EndT]]]" = field(default_factory=list)
    end: EndT | None = None

    def after(self, answer: Answer) -> "_Fork[QuestionT, EndT] | None":
        # In tuples, so that what is the very same is not compared at length; mostly there is one way.
        return next((fork for known, fork in self.ways if (known,) == (answer,)), None)


class Pathways(Generic[QuestionT, EndT]):
    """The ways that searches of one kind went, for whoever sets out once more.

    A search knows nothing but the answers to its questions, and which comes next follows from the answers before: who
    would be told the same as another one ends where that one did. So the ways are a tree, and walking it asks no
    more than the search itself would, and decides nothing.
    """

    def __init__(self) -> None:
        self._start: _Fork[QuestionT, EndT] = _Fork()

    def follow(self, ask: Callable[[QuestionT], Answer]) -> EndT | None:
        """Give what a search would find that is told what ``ask`` answers, None where none went all of that way.

        Raises whatever ``ask`` does: so would the search.
        """
        fork: _Fork[QuestionT, EndT] | None = self._start
        while fork is not None and fork.question is not None:
            fork = fork.after(ask(fork.question))
        return None if fork is None else fork.end

    def add(self, trail: Iterable[tuple[QuestionT, Answer]], end: EndT) -> None:
        """Remember what a search asked, in this order, what it was told, and what it found."""
        fork = self._start
        for question, answer in trail:
            if fork.question is None:
                fork.question = question
            following = fork.after(answer)
            if following is None:
                following = _Fork()
                fork.ways.append((answer, following))
            fork = following
        fork.end = end
