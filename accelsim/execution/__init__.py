"""Independent work: on all cores of this machine, or wherever else an `Executor` sends it."""
