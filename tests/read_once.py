"""Networks that ship, each read once for all tests of a process: they are frozen."""

from functools import cache

import accelsim

load_network = cache(accelsim.load_network)
