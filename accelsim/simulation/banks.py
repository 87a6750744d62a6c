"""Banks of the memories on chip. A tile that finds no room waits, first come first served."""

from collections.abc import Mapping

import simpy

from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.simulation.activity import Occupancy
from accelsim.simulation.pool import free_bytes_at_start


class Banks:
    """Room for the operands of tiles, and the most of it that was in use at the end of any cycle.

    `tensor_bytes` is what tensors take of their bank at the start.
    """

    def __init__(
        self,
        env: simpy.Environment,
        hardware: Hardware,
        tensor_bytes: int = 0,
        *,
        keep_occupancy: bool = False,
    ) -> None:
        banks, tensor_bank = hardware.banks, hardware.tensor_bank
        free_bytes = free_bytes_at_start(hardware, tensor_bytes)
        self._env = env
        self._cycle = 0
        self._bank_of = {operand: bank.name for bank in banks for operand in bank.operands}
        self._free = {
            bank.name: simpy.Container(env, capacity=bank.size_bytes, init=free)
            for bank, free in zip(banks, free_bytes, strict=True)
        }
        self._used_bytes = {
            bank.name: bank.size_bytes - free for bank, free in zip(banks, free_bytes, strict=True)
        }
        self._tensor_bank = None if tensor_bank is None else tensor_bank.name
        self._tensor_bytes = tensor_bytes
        self._peaks = dict.fromkeys(self._free, 0)
        self._banks_of: dict[str, list[str]] = {}
        for bank in banks:
            self._banks_of.setdefault(bank.memory, []).append(bank.name)
        self._of_tiles = [bank.name for bank in banks if bank.operands]
        self._memory_peaks = dict.fromkeys(self._banks_of, 0)
        self._peak_total = 0
        self._occupancy: dict[str, list[Occupancy]] | None = (
            {bank: [] for bank in self._free} if keep_occupancy else None
        )

    def bank_of(self, operand: Operand) -> str | None:
        """The bank that an operand's tiles lie in; None of one that streams past all of them."""
        return self._bank_of.get(operand)

    def take(self, bank: str, size_bytes: int, tensor_bytes: int = 0) -> simpy.Event:
        """Room for so many bytes, more than none, in a bank; the event happens when there is enough.

        `tensor_bytes` of them are for tensors that stay in their bank.
        """
        room: simpy.Event = self._free[bank].get(size_bytes)
        if room.callbacks is not None:
            room.callbacks.append(lambda _: self._account(bank, size_bytes, tensor_bytes))
        return room

    def give_back(self, bank: str, size_bytes: int, tensor_bytes: int = 0) -> None:
        """Free room, more than none; `tensor_bytes` of it are of tensors."""
        self._account(bank, -size_bytes, -tensor_bytes)
        self._free[bank].put(size_bytes)

    def give_back_tiles(self, freed: Mapping[Operand, int]) -> None:
        """Free the room of operands."""
        for operand, size_bytes in freed.items():
            if (bank := self.bank_of(operand)) is not None:
                self.give_back(bank, size_bytes)

    def peaks(self) -> tuple[dict[str, int], dict[str, int], int]:
        """The most that each bank, that each memory, and that all with tiles together, held."""
        self._end_cycle()
        return dict(self._peaks), dict(self._memory_peaks), self._peak_total

    def occupancy(self) -> tuple[Occupancy, ...]:
        """Every change of what a bank holds, in order, if they were to be kept."""
        self._end_cycle()
        changes = [change for bank_changes in (self._occupancy or {}).values() for change in bank_changes]
        return tuple(sorted(changes, key=lambda change: change.cycle))

    def _account(self, bank: str, size_bytes: int, tensor_bytes: int = 0) -> None:
        """What one component frees and another takes in the same cycle is never held twice."""
        if self._env.now != self._cycle:
            self._end_cycle()
            self._cycle = int(self._env.now)
        self._used_bytes[bank] += size_bytes
        self._tensor_bytes += tensor_bytes

    def _end_cycle(self) -> None:
        for bank, used_bytes in self._used_bytes.items():
            self._peaks[bank] = max(self._peaks[bank], used_bytes)
        for memory, banks in self._banks_of.items():
            held_bytes = sum(self._used_bytes[bank] for bank in banks)
            self._memory_peaks[memory] = max(self._memory_peaks[memory], held_bytes)
        self._peak_total = max(self._peak_total, sum(self._used_bytes[bank] for bank in self._of_tiles))
        for bank, bank_changes in (self._occupancy or {}).items():
            tensor_bytes = self._tensor_bytes if bank == self._tensor_bank else 0
            held = self._used_bytes[bank], tensor_bytes
            last = (bank_changes[-1].bytes, bank_changes[-1].tensor_bytes) if bank_changes else (0, 0)
            if held != last:
                bank_changes.append(Occupancy(self._cycle, bank, *held))
