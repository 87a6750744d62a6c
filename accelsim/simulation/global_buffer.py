"""The global buffer: banks of bytes. A tile that finds no room waits, first come first served."""

import simpy

from accelsim.hardware import GlobalBuffer


class Banks:
    """Space for inputs, weights and outputs, and the most of it that was ever in use."""

    def __init__(self, env: simpy.Environment, global_buffer: GlobalBuffer) -> None:
        self._free = {
            bank: simpy.Container(env, capacity=size, init=size)
            for bank, size in global_buffer.bank_bytes.items()
        }
        self._used = dict.fromkeys(self._free, 0)
        self.peak_bytes = dict.fromkeys(self._free, 0)
        self.peak_total_bytes = 0

    def take(self, bank: str, size_bytes: int) -> simpy.Event:
        """Space in a bank; the event happens when there is enough."""
        taken: simpy.Event = self._free[bank].get(size_bytes)
        if taken.callbacks is None:
            self._account(bank, size_bytes)
        else:
            taken.callbacks.append(lambda _: self._account(bank, size_bytes))
        return taken

    def give_back(self, bank: str, size_bytes: int) -> None:
        """Free space in a bank."""
        if size_bytes:
            self._account(bank, -size_bytes)
            self._free[bank].put(size_bytes)

    def _account(self, bank: str, size_bytes: int) -> None:
        self._used[bank] += size_bytes
        self.peak_bytes[bank] = max(self.peak_bytes[bank], self._used[bank])
        self.peak_total_bytes = max(self.peak_total_bytes, sum(self._used.values()))
