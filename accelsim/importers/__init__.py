"""Models of other tools -> the data that a network's YAML file would hold.

    MODEL.onnx -> onnx_file.py --+          (with onnx_inputs.py, onnx_tensors.py)
                                 +-> Model -> patterns.py -> Model -> rules.py -> Imported
    nn.Module -> torch_module.py +          (with torch_calls.py, aten.py)

A `Model` (model.py) is a list of nodes with the operators and attributes of ONNX. What is one operator here
and several nodes there is put together (patterns.py); then each node becomes a row of the block `graph`, or
nothing (rules.py with windows.py and axes.py, by means of rows.py), and the bits of what the rows read become
the network's (precision.py).
"""
