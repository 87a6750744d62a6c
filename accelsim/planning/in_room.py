"""InRoom: how long mappings take alone in so much room of a pool, each written and simulated once."""

from dataclasses import dataclass

from accelsim.hardware import Hardware
from accelsim.mapping.mapping import Choice, Mapping
from accelsim.mapping.pool_knowledge import PoolKnowledge
from accelsim.mapping.program import mappings
from accelsim.simulation.alone import Alone
from accelsim.simulation.transitions import Transitions


@dataclass(frozen=True)
class InRoom:
    """Judges choices on one machine with a pool, whatever a plan weighs time with."""

    hardware: Hardware
    pool_bytes: int
    transitions: Transitions
    known: PoolKnowledge

    def judged(self, choice: Choice, images: int, room_bytes: int) -> tuple[Mapping, int]:
        """The mapping of a choice, and how many cycles it takes beside tensors that leave it so much room."""
        known, in_room = self.known, (choice, images, room_bytes)
        mapping, cycles = known.written.get((choice, images)), known.judged.get(in_room)
        if mapping is None:
            (mapping,) = mappings([choice], images, self.hardware)
            known.written[choice, images] = mapping
        if cycles is None:
            cycles = Alone(self.hardware, self.transitions, self.pool_bytes - room_bytes)(mapping)
            known.judged[in_room] = cycles
        return mapping, cycles
