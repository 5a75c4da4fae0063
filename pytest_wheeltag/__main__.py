"""``python -m pytest_wheeltag``: the command line."""

import sys

from pytest_wheeltag.cli import main

if __name__ == "__main__":
    sys.exit(main())
