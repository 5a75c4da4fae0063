import tomllib

from hypothesis import given
from hypothesis import strategies as st

from pytest_wheeltag.subjects.tomltext import TomlValue, render_toml

TEXTS = st.text()
VALUES: st.SearchStrategy[TomlValue] = st.recursive(
    st.booleans() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(TEXTS, VALUES, min_size=1))
def test_what_is_written_is_read_back_the_same(values: dict[str, TomlValue]) -> None:
    assert tomllib.loads(render_toml({"tool.some": values})) == {"tool": {"some": values}}


def test_what_is_in_no_table_comes_first_and_empty_tables_are_left_out() -> None:
    text = render_toml({"": {"a": True}, "b": {}, "c.d": {"e f": ["\x7f", {"g": "ü"}]}})

    assert text == 'a = true\n\n[c.d]\n"e f" = ["\\u007f", {g = "ü"}]\n'
