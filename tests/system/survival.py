"""Run by test_survival.py: a process that installs until it is killed, or once in many threads."""

import json
import os
import random
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import BinaryIO

from pytest_wheeltag.core.interpreter import interpreter_from_json
from pytest_wheeltag.core.plan import InstallRequest, plan_installation
from pytest_wheeltag.core.target import target_of
from pytest_wheeltag.system.linker import LinkOptions, Route, install
from pytest_wheeltag.system.links import LinkMode
from pytest_wheeltag.system.store import WantedWheel, WheelStore
from pytest_wheeltag.system.uninstall import uninstall


class Worker:
    """Installs wheels into folders that look like environments."""

    def __init__(self, facts: Path) -> None:
        plain = json.loads(facts.read_text("utf-8"))
        self.interpreter = interpreter_from_json(plain["interpreter"])
        self.wheels = [(Path(path), sha256) for path, sha256 in plain["wheels"]]
        self.log = facts.with_name("fetched.log")

    @contextmanager
    def fetch(self, wheel: Path) -> Iterator[BinaryIO]:
        """Open a wheel, and leave a line that it was fetched."""
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"{wheel.name}\n")
        with wheel.open("rb") as file:
            yield file

    def install_all(self, store: WheelStore, prefix: Path, mode: LinkMode = LinkMode.AUTO) -> None:
        """Install every wheel into a folder."""
        target = target_of(self.interpreter, str(prefix))
        prefix.mkdir(parents=True, exist_ok=True)
        for wheel, sha256 in self.wheels:
            entry = store.provide(WantedWheel(wheel.name, sha256), partial(self.fetch, wheel))
            plan = plan_installation(entry.wheel, target, InstallRequest(scripts=entry.scripts))
            if not (prefix / plan.dist_info).exists():
                install(plan, Route(entry.root, prefix), LinkOptions(mode))

    def install_for_ever(self, root: Path, chance: random.Random) -> None:
        """Install, uninstall and damage until the end."""
        for number in count():
            store = WheelStore(root / f"cache{number % 2}")
            prefix = root / "envs" / f"{os.getpid()}-{number}"
            for _, sha256 in self.wheels:
                if chance.random() < 0.3:
                    shutil.rmtree(store.place(sha256), ignore_errors=True)
            self.install_all(store, prefix, chance.choice(list(LinkMode)))
            target = target_of(self.interpreter, str(prefix))
            for info in sorted((prefix / target.purelib).glob("*.dist-info")):
                uninstall(info, target)
            self.install_all(store, prefix)


def serve(facts: Path, root: Path) -> None:
    """Fork one worker for each line on standard input, telling its number."""
    worker = Worker(facts)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            worker.install_for_ever(root, random.Random(int(line)))  # noqa: S311 - repeatable, no secret
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        sys.stdin.readline()
        os.waitpid(child, 0)
        sys.stdout.write("dead\n")
        sys.stdout.flush()


def crowd(facts: Path, root: Path) -> None:
    """Install in eight threads at once."""
    worker = Worker(facts)
    warnings: list[str] = []

    def run(number: int) -> None:
        store = WheelStore(root / "cache", warn=warnings.append)
        worker.install_all(store, root / "envs" / f"{os.getpid()}-{number}")
        done.append(number)

    done: list[int] = []
    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stdout.write(json.dumps({"done": len(done), "warnings": warnings}))


if __name__ == "__main__":
    {"serve": serve, "crowd": crowd}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
