"""What is computed: networks from YAML to executed layers. Knows no hardware.

    networks/*.yaml ─► NetworkDescription ─► Network ─► PublishedGraph ─► ExecutedGraph of Layers
                       description.py        load.py    build.py          lowering/

Functions that add operators to a `Draft` are in `operators.py`; the step from a network to its published
graph is `build` in `build.py`, and the one to layers is `lower` in `lowering/`.
"""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.network.analysis import frugal_order, peak_activations
    from accelsim.network.configuration import configure, read_network
    from accelsim.network.description import Network, NetworkDescription
    from accelsim.network.executed import ExecutedGraph, ExecutedNode, Note, Read, Reason
    from accelsim.network.graph import (
        Draft,
        Operator,
        PublishedGraph,
        PublishedNode,
        Shape,
        total_macs,
        total_params,
    )
    from accelsim.network.graph_changes import GraphChange, changed_network
    from accelsim.network.imported import (
        from_onnx,
        from_scale_sim,
        from_tflite,
        from_torch,
        network_text,
        to_yaml,
    )
    from accelsim.network.layer import FusedOperator, Layer, LoopNest, Pooling
    from accelsim.network.load import load_network
    from accelsim.network.lowered import LoweredNetwork, lowered_network
    from accelsim.network.overlay import Overlay, overlaid, read_overlay
    from accelsim.network.shapes import layer_shape
    from accelsim.network.stages import Stage

__all__ = [
    "Draft",
    "ExecutedGraph",
    "ExecutedNode",
    "FusedOperator",
    "GraphChange",
    "Layer",
    "LoopNest",
    "LoweredNetwork",
    "Network",
    "NetworkDescription",
    "Note",
    "Operator",
    "Overlay",
    "Pooling",
    "PublishedGraph",
    "PublishedNode",
    "Read",
    "Reason",
    "Shape",
    "Stage",
    "changed_network",
    "configure",
    "from_onnx",
    "from_scale_sim",
    "from_tflite",
    "from_torch",
    "frugal_order",
    "layer_shape",
    "load_network",
    "lowered_network",
    "network_text",
    "overlaid",
    "peak_activations",
    "read_network",
    "read_overlay",
    "to_yaml",
    "total_macs",
    "total_params",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "analysis": (
            "frugal_order",
            "peak_activations",
        ),
        "configuration": (
            "configure",
            "read_network",
        ),
        "description": (
            "Network",
            "NetworkDescription",
        ),
        "executed": (
            "ExecutedGraph",
            "ExecutedNode",
            "Note",
            "Read",
            "Reason",
        ),
        "graph": (
            "Draft",
            "Operator",
            "PublishedGraph",
            "PublishedNode",
            "Shape",
            "total_macs",
            "total_params",
        ),
        "graph_changes": (
            "GraphChange",
            "changed_network",
        ),
        "imported": (
            "from_onnx",
            "from_scale_sim",
            "from_tflite",
            "from_torch",
            "network_text",
            "to_yaml",
        ),
        "layer": (
            "FusedOperator",
            "Layer",
            "LoopNest",
            "Pooling",
        ),
        "load": ("load_network",),
        "lowered": (
            "LoweredNetwork",
            "lowered_network",
        ),
        "overlay": (
            "Overlay",
            "overlaid",
            "read_overlay",
        ),
        "shapes": ("layer_shape",),
        "stages": ("Stage",),
    },
)
