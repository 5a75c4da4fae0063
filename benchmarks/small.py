"""The piece of work ``small``: a throwaway environment with multiprocess, 106 files of 2 distributions."""

import cProfile
import io
import pstats
from collections.abc import Callable

from benchmarks.arena import Arena
from benchmarks.machine import describe_machine
from benchmarks.ours import FirstOfSession, OfSession
from benchmarks.pairs import measure
from benchmarks.peers import PytestVenv, Uv
from benchmarks.results import Results

REQUIREMENT = "multiprocess==0.70.17"
_CALLS_PROFILED = 20
_LINES_PROFILED = 45


def measure_small(
    arena: Arena, pairs: int, told: Callable[[str], None], *, with_pytest_venv: bool = False
) -> Results:
    """Measure ours, warm, against uv's two processes, and against pytest-venv if asked for."""
    ours = OfSession(arena, REQUIREMENT)
    # Whatever is done once per machine or process is done before.
    ours.run(arena.folder / "warm")
    peers: list[Uv | PytestVenv] = [Uv(arena, REQUIREMENT)]
    if with_pytest_venv:
        peers.append(PytestVenv(arena, REQUIREMENT))
    facts = describe_machine(arena.folder) | {peer.name: peer.version for peer in peers}
    facts["environments of"] = f"{arena.interpreter.label} ({arena.interpreter.version})"
    sides = (ours, FirstOfSession(arena, REQUIREMENT), *peers)
    timings = measure(sides, pairs, arena.folder / "measured", told)
    return Results("small", f"small, warm: an environment with {REQUIREMENT}", facts, timings)


def profile_small(arena: Arena) -> str:
    """Say where our time goes, the dearest functions first, for so many calls."""
    ours = OfSession(arena, REQUIREMENT)
    ours.run(arena.folder / "warm")
    profiler = cProfile.Profile()
    profiler.enable()
    for number in range(_CALLS_PROFILED):
        ours.run(arena.folder / f"profiled-{number}")
    profiler.disable()
    stream = io.StringIO()
    pstats.Stats(profiler, stream=stream).sort_stats("cumulative").print_stats(_LINES_PROFILED)
    return stream.getvalue()
