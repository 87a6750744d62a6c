"""Models of other tools -> the data that a network's YAML file would hold.

    MODEL.onnx -> onnx_file.py ------+      (with onnx_inputs.py, onnx_tensors.py)
    MODEL.tflite -> tflite_file.py --+-> Model -> patterns.py -> Model -> rules.py -> Imported
    nn.Module -> torch_module.py ----+      (with torch_calls.py, aten.py)
    TOPOLOGY.csv -> scale_sim.py ------------------------------------------------> Imported

What is asked of a model beside its file, open sizes and where it is cut, is a `ModelRequest` (request.py).
A `Model` (model.py) is a list of nodes with the operators and attributes of ONNX. What is one operator here
and several nodes there is put together (patterns.py); then each node becomes a row of the block `graph`, or
nothing (rules.py with windows.py and axes.py, by means of rows.py), but for what is cut off (cutting.py); and
the bits of what the rows read become the network's (precision.py).
"""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.importers.model import Imported, Model, ModelNode
    from accelsim.importers.onnx_file import read_onnx
    from accelsim.importers.request import ModelRequest
    from accelsim.importers.rules import imported
    from accelsim.importers.scale_sim import read_scale_sim
    from accelsim.importers.tflite_file import read_tflite
    from accelsim.importers.torch_module import read_torch

__all__ = [
    "Imported",
    "Model",
    "ModelNode",
    "ModelRequest",
    "imported",
    "read_onnx",
    "read_scale_sim",
    "read_tflite",
    "read_torch",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "model": (
            "Imported",
            "Model",
            "ModelNode",
        ),
        "onnx_file": ("read_onnx",),
        "request": ("ModelRequest",),
        "rules": ("imported",),
        "scale_sim": ("read_scale_sim",),
        "tflite_file": ("read_tflite",),
        "torch_module": ("read_torch",),
    },
)
