"""A thread that cuts connections on which nothing comes to an end."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

_ROUNDS_BEFORE_SLEEP = 5


class Wired(Protocol):
    """Whatever holds a socket: None while it has none."""

    @property
    def wire(self) -> socket.socket | None:
        """The socket, also where the connection will not be used again."""
        ...


class Watchdog:
    """Cuts a connection that is not done within so many seconds.

    A socket's own time-out starts again with each byte: a server that drips a header, or the length of a
    chunk, would hold us for ever.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._guarded: dict[int, tuple[float, Wired]] = {}
        self._cut: set[int] = set()
        self._number = 0
        self._is_awake = False

    @contextmanager
    def guard(self, connection: Wired) -> Iterator[None]:
        """Cut the connection if the body takes too long; raises ``TimeoutError`` then."""
        number = self._begin(connection)
        try:
            yield
        except Exception as error:
            if self._end(number):
                raise TimeoutError from error
            raise
        if self._end(number):
            raise TimeoutError

    def _begin(self, connection: Wired) -> int:
        with self._lock:
            self._number += 1
            self._guarded[self._number] = (time.monotonic() + self._seconds, connection)
            if not self._is_awake:
                self._is_awake = True
                threading.Thread(target=self._watch, name="wheeltag-watchdog", daemon=True).start()
            return self._number

    def _end(self, number: int) -> bool:
        with self._lock:
            self._guarded.pop(number, None)
            was_cut = number in self._cut
            self._cut.discard(number)
        return was_cut

    def _watch(self) -> None:
        idle_rounds = 0
        while True:
            time.sleep(min(self._seconds / 10, 0.5))
            with self._lock:
                self._cut_expired()
                idle_rounds = 0 if self._guarded else idle_rounds + 1
                # Not at once, so that not every request starts a thread.
                if idle_rounds == _ROUNDS_BEFORE_SLEEP:
                    self._is_awake = False
                    return

    def _cut_expired(self) -> None:
        now = time.monotonic()
        expired = [number for number, (deadline, _) in self._guarded.items() if deadline <= now]
        for number in expired:
            wire = self._guarded[number][1].wire
            if wire is None:
                continue
            del self._guarded[number]
            self._cut.add(number)
            with suppress(OSError):
                # Not the method of an SSLSocket: that one would go on in clear text.
                socket.socket.shutdown(wire, socket.SHUT_RDWR)
