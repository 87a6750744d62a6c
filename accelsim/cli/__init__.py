"""The command line: arguments in, results to standard output, everything else to standard error.

Exit codes: 0 fine; 1 a check did not hold; 2 the input is wrong; 130 interrupted. Modules of this package
import what they need where they need it, because `accelsim --help` should not wait for numpy.
"""

import sys


def main() -> None:
    """What the `accelsim` script runs."""
    try:
        from accelsim.cli.app import app

        app(prog_name="accelsim")
    except KeyboardInterrupt:  # before or after a command, which looks after itself
        sys.stderr.write("interrupted\n")
        sys.exit(130)
