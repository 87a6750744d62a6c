"""Random inputs for every door through which something comes in, and a judge that knows what may come out.

A door (doors/) makes inputs out of a seed and a number, so that each can be made again by itself; workers.py
feeds them to accelsim in processes of little memory and time; judge.py says what was wrong. What is tried
starts from the small files of corpus/, or from models that doors/onnx_models.py makes.
"""
