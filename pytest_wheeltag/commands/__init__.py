"""What each command of the command line does: ``commands.check`` is ``wheeltag check``, and so on.

Such a module holds ``run``, which takes the options as parsed and gives a ``Status``. It is loaded when its command
is given, so that each command pays for its own imports alone.
"""

from enum import IntEnum


class Status(IntEnum):
    """The exit status of a command; unjudged means that there was nothing to judge, or nobody to ask."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNJUDGED = 3
