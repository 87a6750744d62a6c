"""The command line: arguments in, results to standard output, everything else to standard error.

Exit codes: 0 fine; 1 a check did not hold; 2 the input is wrong; 130 interrupted. Modules of this package
import what they need where they need it, because `accelsim --help` should not wait for numpy.
"""

import sys

from accelsim.cli.interrupts import end_interrupted, ignore_interrupts, show_unhandled

__all__ = ["main", "script"]

sys.excepthook = show_unhandled  # before all other imports, which take most of a short command's time

import atexit  # noqa: E402
import gc  # noqa: E402
import os  # noqa: E402

from accelsim.patience import PATIENT  # noqa: E402

_UNUSED = {
    "OPENBLAS_NUM_THREADS": "1",  # numpy starts a thread for each core, for linear algebra, not done here
    "PYDANTIC_DISABLE_PLUGINS": "__all__",  # pydantic reads the metadata of every installed package for them
}


def settle() -> None:
    """Set the process up for work like ours, before anything is imported."""
    gc.set_threshold(*PATIENT)
    atexit.register(gc.freeze)  # or Python looks for garbage in everything, just before everything goes
    for name, value in _UNUSED.items():
        os.environ.setdefault(name, value)


def script() -> None:
    """What the `accelsim` script runs: `main`, in a process that ends with it.

    Example:
        >>> import subprocess
        >>> command = [sys.executable, "-c", "from accelsim.cli import script; script()", "--version"]
        >>> subprocess.run(command, capture_output=True).returncode
        0
    """
    try:
        main()
    finally:
        ignore_interrupts()


def main() -> None:
    """Takes `sys.argv`, and exits with a code; whoever catches that hears of interrupts as before.

    Example:
        >>> import subprocess
        >>> script = "from accelsim.cli import main; main()"
        >>> subprocess.run([sys.executable, "-c", script, "--version"], capture_output=True).returncode
        0
    """
    import signal

    heard = signal.getsignal(signal.SIGINT)
    try:
        settle()
        from accelsim.cli.streams import guarded_streams

        with guarded_streams():
            from accelsim.cli.app import app

            app(prog_name="accelsim")
    except KeyboardInterrupt:  # before or after a command, which looks after itself
        end_interrupted()
        sys.exit(130)
    finally:
        if signal.getsignal(signal.SIGINT) is not heard:
            signal.signal(signal.SIGINT, heard)
