"""Models of other tools -> the data that a network's YAML file would hold.

    MODEL.onnx -> onnx_file.py --+
                                 +-> Model -> patterns.py -> Model -> rules.py -> Imported
    nn.Module -> torch_module.py +

A `Model` (model.py) is a list of nodes with the operators and attributes of ONNX. What is one operator here
and several nodes there is put together (patterns.py); then each node becomes a row of the block `graph`, or
nothing (rules.py, by means of rows.py).
"""
