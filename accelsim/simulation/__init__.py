"""When it happens, in whole cycles: one component a file, each a simpy process that tells what it does.

DMA loads tiles into the banks of the global buffer, the PE array executes them, the vector unit finishes
their outputs, DMA stores those; all transfers share one DRAM channel. No mapping arithmetic happens here.
"""
