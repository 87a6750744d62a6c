"""What a small neural network costs on an embedded accelerator: cycles, traffic, energy, and why.

    import accelsim
    result = accelsim.run_network("sqnxt23v5", "16x16_128k")
    result.cycles, result.energy.total, result.layers[0].bound_by, result.to_dataframe()

Each name is imported when it is first used, so that `import accelsim` and `accelsim --help` cost nothing.
"""

from accelsim.version import __version__

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.errors import AccelsimError
    from accelsim.hardware import Hardware, load_hardware
    from accelsim.mapping.options import MappingOptions
    from accelsim.network.description import Network
    from accelsim.network.imported import from_onnx, from_scale_sim, from_tflite, from_torch
    from accelsim.network.load import load_network
    from accelsim.network.overlay import overlaid
    from accelsim.result import RunResult
    from accelsim.reuse.cache import Cache
    from accelsim.run import run_network
    from accelsim.search.explain import explain_network
    from accelsim.verification.schedules import verify

__all__ = [
    "AccelsimError",
    "Cache",
    "Hardware",
    "MappingOptions",
    "Network",
    "RunResult",
    "__version__",
    "explain_network",
    "from_onnx",
    "from_scale_sim",
    "from_tflite",
    "from_torch",
    "load_hardware",
    "load_network",
    "overlaid",
    "run_network",
    "verify",
]

_HOMES = {
    "AccelsimError": "accelsim.errors",
    "Cache": "accelsim.reuse.cache",
    "Hardware": "accelsim.hardware",
    "MappingOptions": "accelsim.mapping.options",
    "Network": "accelsim.network.description",
    "RunResult": "accelsim.result",
    "explain_network": "accelsim.search.explain",
    "from_onnx": "accelsim.network.imported",
    "from_scale_sim": "accelsim.network.imported",
    "from_tflite": "accelsim.network.imported",
    "from_torch": "accelsim.network.imported",
    "load_hardware": "accelsim.hardware",
    "load_network": "accelsim.network.load",
    "overlaid": "accelsim.network.overlay",
    "run_network": "accelsim.run",
    "verify": "accelsim.verification.schedules",
}


def __getattr__(name: str) -> object:
    from importlib import import_module  # noqa: PLC0415 (see TYPE_CHECKING)

    if name == "Memory":
        import warnings  # noqa: PLC0415 (see TYPE_CHECKING)

        warnings.warn("accelsim.Memory is now called accelsim.Cache", DeprecationWarning, stacklevel=2)
        name = "Cache"
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
