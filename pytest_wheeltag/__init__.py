"""The public names of pytest-wheeltag, each imported on first use (PEP 562)."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_wheeltag.audit import Auditor
    from pytest_wheeltag.core.interpreter import Interpreter
    from pytest_wheeltag.core.verdict import Verdict
    from pytest_wheeltag.errors import WheeltagError
    from pytest_wheeltag.provision import Provisioner
    from pytest_wheeltag.venv import Venv

__version__ = "0.1.0"

__all__ = ["Auditor", "Interpreter", "Provisioner", "Venv", "Verdict", "WheeltagError"]

_HOMES = {
    "Auditor": "pytest_wheeltag.audit",
    "Interpreter": "pytest_wheeltag.core.interpreter",
    "Provisioner": "pytest_wheeltag.provision",
    "Venv": "pytest_wheeltag.venv",
    "Verdict": "pytest_wheeltag.core.verdict",
    "WheeltagError": "pytest_wheeltag.errors",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
