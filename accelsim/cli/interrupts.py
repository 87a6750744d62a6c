"""Ctrl-C ends the program with one line, whenever it comes and however often.

Read before everything else, so it imports nothing that takes time.
"""

import sys


def show_unhandled(kind: type[BaseException], error: BaseException, traceback: object) -> None:
    """In place of `sys.excepthook`: an interrupt that nobody looked after is shown without a traceback."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)  # type: ignore[arg-type]  # what Python itself passes on
        return
    end_interrupted()


def end_interrupted() -> None:
    """Say in a line that there is no result, and hear of no further interrupt while the process ends."""
    ignore_interrupts()
    if sys.stderr is not None:
        sys.stderr.write("interrupted\n")


def ignore_interrupts() -> None:
    """For the end of a process: Python shows an interrupt as it winds up with a traceback of its own."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
