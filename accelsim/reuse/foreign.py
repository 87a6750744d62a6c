"""Which code computes a machine's dataflows that other packages bring: the model's version does not tell."""

import sys
from functools import cache

from accelsim.hardware.machine import Hardware
from accelsim.hardware.registry import SHIPPED, entry_point
from accelsim.mapping.dataflows import dataflow_of
from accelsim.reuse.model_version import code_digest


def foreign_code(hardware: Hardware) -> dict[str, str]:
    """Which code computes the dataflows of a machine that are not accelsim's own.

    For what is kept from one process to the next; within one process a name is one object for ever
    (`registered`).

    Args:
        hardware: The machine.

    Returns:
        By the dataflow's name: the release of the package that brings it, and a digest of its code.

    Raises:
        AccelsimError: A package brings something that cannot be used.

    Example:
        >>> from accelsim import load_hardware
        >>> foreign_code(load_hardware("16x16_128k"))
        {}
    """
    return {name: code_of(name) for name in hardware.pe_array.dataflows if name not in SHIPPED}


@cache
def code_of(name: str) -> str:
    """The release of the distribution that brings it, its code, and that of classes it inherits from."""
    entry = entry_point(name)
    modules = {entry.module, *(kind.__module__ for kind in type(dataflow_of(name)).__mro__)}
    excluded = {*sys.stdlib_module_names, __name__.partition(".")[0]}  # the latter's by the model's version
    digests = [code_digest(module) for module in sorted(modules) if module.partition(".")[0] not in excluded]
    release = "" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"
    return " ".join((release, *dict.fromkeys(digests)))
