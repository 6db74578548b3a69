"""`python -m mllib_py` is the same as the command `mllib-py`."""

import sys

from mllib_py.cli import main

if __name__ == "__main__":
    sys.exit(main())
