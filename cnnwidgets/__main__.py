"""``python -m cnnwidgets`` is the command ``cnnwidgets``."""

import sys

from .cli import main

sys.exit(main())
