"""Writing TOML: a document of tables whose values stand on one line each."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

TomlValue: TypeAlias = "str | bool | Sequence[TomlValue] | Mapping[str, TomlValue]"

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_DELETE = "\x7f"


def render_toml(tables: Mapping[str, Mapping[str, TomlValue]]) -> str:
    """Write tables by their dotted headers (TOML 1.0), an empty one for what is in none; empty tables are left out."""
    written = [
        "".join([f"[{header}]\n" if header else "", *map(_line, table.items())])
        for header, table in tables.items()
        if table
    ]
    return "\n".join(written)


def _line(item: tuple[str, TomlValue]) -> str:
    return f"{_key(item[0])} = {_value(item[1])}\n"


def _value(value: TomlValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_key(name)} = {_value(each)}' for name, each in value.items())}}}"
    return f"[{', '.join(map(_value, value))}]"


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    # A basic string escapes as JSON does, and DEL besides.
    return json.dumps(text, ensure_ascii=False).replace(_DELETE, "\\u007f")
