"""Starts SecantusDB with one line mended.

It knows a write that a driver sends again by its text, and counts maxTimeMS as part
of that. A driver with a deadline sends what is left of it, so nothing it repeats
would be known, and what was written would be written twice.
"""

import sys

from secantus import commands
from secantus.cli import main

commands._RETRY_IDENTITY_IGNORED |= {"maxTimeMS"}
sys.exit(main())
