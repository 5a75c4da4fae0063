"""What pytest must know before it collects: the plugin's tests run pytest inside pytest."""

import pytest

pytest_plugins = ["pytester"]


def pytest_configure(config: pytest.Config) -> None:
    """Let no property test fail for the machine being slow.

    The checks of the first command in README.md run without the test extra: hypothesis may be absent.
    """
    if config.pluginmanager.hasplugin("hypothesispytest"):
        from hypothesis import settings  # noqa: PLC0415 - absent without the test extra

        settings.register_profile("wheeltag", deadline=None)
        settings.load_profile("wheeltag")
