"""The places of tensors: each is read where it lies, and the pool has room for all that stays in it.

Layers hand tensors on through the pool or through the memory outside. The schedule says of each layer where
its operands lie, and how many bytes of the pool its tensors take and give up, not which. So whatever a layer
gives up has to be as large as some of the tensors that no layer reads or writes there afterwards. Where a
machine has a memory for tensors alone, that stands for the pool, and tiles move between it and theirs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, NoReturn

from accelsim.hardware.machine import Hardware
from accelsim.hardware.operand import Operand
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.schedule import PoolChange, Schedule
from accelsim.network.executed import ExecutedGraph, ExecutedNode
from accelsim.network.layer import Layer
from accelsim.verification.cascades import Chain
from accelsim.verification.difference import Difference, Part, Quantity
from accelsim.verification.homes import homes_of
from accelsim.verification.mismatch import Mismatch, MismatchError, expect_equal, refuse
from accelsim.verification.order import parts_of
from accelsim.verification.sizes import activation_bits, packed_bytes
from accelsim.verification.tensors import weight_bytes

IMAGE: Final = "the image"
"""The name of what the network is given, as a piece and as a tensor."""


class _Part(NamedTuple):
    """A layer of the schedule, by the pieces of tensors that it reads and writes."""

    name: str
    reads: dict[Operand, tuple[str, ...]]
    """Pieces, by the operand as which they are read."""
    writes: str
    """A piece."""
    is_result: bool
    """Whether somebody outside the network wants what it writes."""


@dataclass(frozen=True)
class _Pieces:
    """What layers write, and the tensors that it lies in: several pieces where they are concatenated."""

    tensor_of: dict[str, str]
    bytes_of: dict[str, int]
    """Of tensors, by their names."""

    @classmethod
    def of(cls, graph: ExecutedGraph, hardware: Hardware, batch: int) -> "_Pieces":
        """Those of a network, for all images of a batch."""
        machine = hardware.precision
        tensor_of, bits_of = {IMAGE: IMAGE}, {}
        readers = [activation_bits(node.layer, machine) for node in graph.nodes if node.reads_image]
        bits_of[IMAGE] = graph.image_elements * max(readers, default=machine.activations_bits)
        for node in graph.nodes:
            layer, channels = node.layer, node.layer.G * node.layer.K
            tensor_of[node.name] = node.buffer
            bits_of.setdefault(node.buffer, 0)
            plane = layer.OY * layer.OX
            if layer.pooling is not None:
                between = _before_pooling(layer)
                tensor_of[between] = between
                bits_of[between] = channels * plane * activation_bits(layer, machine)
                plane = layer.pooling.OY * layer.pooling.OX
            bits_of[node.buffer] += channels * plane * activation_bits(layer, machine)
        return cls(tensor_of, {name: packed_bytes(batch, bits) for name, bits in bits_of.items()})


def place_mismatches(
    graph: ExecutedGraph,
    schedule: Schedule,
    hardware: Hardware,
    batch: int,
    *,
    steady: Schedule | None = None,
    chains: Sequence[Chain] = (),
) -> dict[str, Mismatch]:
    """What is wrong with where tensors lie, by the names of the layers that it is wrong for.

    Of images in turn three stand for all: the first, the second, and the last. Before and after each, nothing
    is in the pool but weights that stay, but for the first image, which is there, and the last one's results.
    So whatever the images before it left, each finds what the second one finds.

    Args:
        graph: What was scheduled, in an order that is right.
        schedule: Its layers, with their places and what they take of the pool.
        hardware: The machine.
        batch: Images that run together; of images in turn, 1.
        steady: Of the first inference, before which no weights lie in the pool: that of those to come, for
            which weights have to be there. None: it is one of these.
        chains: Layers that run stripe by stripe: between them lie windows of rows.
    """
    parts = [part for node, scheduled in parts_of(graph, schedule) for part in _parts(node, scheduled)]
    pieces, last = _Pieces.of(graph, hardware, batch), schedule.images_in_turn - 1
    for chain in chains:
        of_windows = {
            pieces.tensor_of[parts[number].writes]: size for number, size in chain.window_bytes.items()
        }
        pieces.bytes_of.update(of_windows)
    mismatches: dict[str, Mismatch] = {}
    for image in sorted({last, min(1, last), 0}, reverse=True):
        turn = _Turn(
            image_comes=image > 0, results_go=image < last, weights_come=steady is not None and image == 0
        )
        of_image = _Places(schedule.of_image(image), hardware, pieces, parts, turn, steady, chains)
        mismatches |= of_image.mismatches()
    return mismatches


def pool_bytes(schedule: Schedule) -> list[int]:
    """What tensors take of the pool while each layer runs, as the schedule says."""
    held, of_layers = schedule.pool_bytes_at_start, []
    for taken_bytes, freed_bytes in _changes(schedule):
        of_layers.append(held + taken_bytes)
        held += taken_bytes - freed_bytes
    return of_layers


def _changes(schedule: Schedule) -> Sequence[PoolChange]:
    return schedule.pool_changes or (PoolChange(0, 0),) * len(schedule.layers)


def _before_pooling(layer: Layer) -> str:
    """The name of what a layer leaves to a pooling that runs after it."""
    return f"{layer.name} before pooling"


def _parts(node: ExecutedNode, scheduled: range) -> Iterator[_Part]:
    """A layer as one, or the layer and its pooling one after the other."""
    inputs = [read.producer for read in node.reads if read.input_elements]
    residuals = [read.producer for read in node.reads if read.residual_elements]
    inputs += [IMAGE] if node.network_input_elements else []
    residuals += [IMAGE] if node.network_residual_elements else []
    weights = [read.producer for read in node.reads if read.weight_elements]
    weights += [IMAGE] if node.network_weight_elements else []
    reads = {Operand.INPUTS: tuple(inputs)}
    if weights:
        reads[Operand.WEIGHTS] = tuple(weights)
    if residuals:
        reads[Operand.RESIDUAL] = tuple(residuals)
    layer = node.layer
    if len(scheduled) == 1 or layer.pooling is None:
        yield _Part(node.name, reads, node.name, node.network_output)
        return
    between = _before_pooling(layer)
    yield _Part(node.name, reads, between, is_result=False)
    yield _Part(layer.pooling.name, {Operand.INPUTS: (between,)}, node.name, node.network_output)


class _Turn(NamedTuple):
    """What is special to one of several images in turn."""

    image_comes: bool
    """Whether the image comes to its place with the first layer; else it lies there before."""
    results_go: bool
    """Whether results are fetched from the pool when the last layer is finished; else they stay there."""
    weights_come: bool
    """Whether pinned weights have to come."""


@dataclass
class _Places:
    """Where tensors lie, layer by layer."""

    schedule: Schedule
    hardware: Hardware
    pieces: _Pieces
    parts: Sequence[_Part]
    turn: _Turn
    steady: Schedule | None
    """Of the first inference: what is executed when pinned weights are there."""
    chains: Sequence[Chain]
    """Layers that run stripe by stripe: what they take, and give up, they do together."""
    in_pool: set[str] = field(default_factory=set)
    """Pieces that were written in the pool."""
    outside: set[str] = field(default_factory=set)
    """Pieces that were written outside."""
    came: dict[str, int] = field(default_factory=dict)
    """Pieces that were brought to the pool from outside, and at which layer."""
    needed: list[str] = field(default_factory=list)
    """Tensors in the pool that this layer or layers to come read or write there, the oldest first."""
    idle: set[tuple[int, ...]] = field(default_factory=lambda: {()})
    """The sizes of all other tensors in the pool, in each way that agrees with what was given up."""

    def __post_init__(self) -> None:
        pool = self.hardware.tensor_bank
        homes = homes_of(self.hardware, {})
        self.home, self.home_of_weights = homes[Operand.OUTPUTS], homes[Operand.WEIGHTS]
        self.memory, self.room_bytes = ("the pool", 0) if pool is None else (pool.memory, pool.size_bytes)
        self.results_stay = self.hardware.output_place == self.memory
        kept_by_chains = {number for chain in self.chains for number in chain.keeps}
        self.weight_bytes = sum(
            weight_bytes(layer, self.hardware.precision)
            for number, layer in enumerate(self.schedule.layers)
            if number not in kept_by_chains
            and Operand.WEIGHTS in self._inside(number, self.steady)
            and self.hardware.keeps("weights")
            and not layer.multiplies_activations
        )
        """Of weights that stay."""
        self.last_use: dict[str, int] = {}
        for number, part in enumerate(self.parts):
            uses = {**part.reads, Operand.OUTPUTS: (part.writes,)}
            used = {piece for operand in self._inside(number) for piece in uses.get(operand, ())}
            self.last_use |= {self.pieces.tensor_of[piece]: number for piece in used}
        if self.results_stay:
            results = [part.writes for part in self.parts if part.is_result]
            last_use = len(self.parts) - self.turn.results_go
            self.last_use |= {self.pieces.tensor_of[piece]: last_use for piece in results}

    def _inside(self, number: int, schedule: Schedule | None = None) -> frozenset[Operand]:
        """The operands of a layer in the pool; in a memory for tensors, which a mapping knows nothing of."""
        if self.hardware.tensor_memory is None:
            return self.schedule.mappings[number].placed
        schedule = schedule or self.schedule
        places = schedule.places[number] if schedule.places else {}
        return frozenset([operand for operand, place in places.items() if place == self.memory])

    def _outside(self, number: int) -> frozenset[Operand]:
        """The operands of a layer that come from outside or go there."""
        moved = self.schedule.mappings[number].moved
        return moved if self.hardware.tensor_memory is None else moved - self._inside(number)

    def mismatches(self) -> dict[str, Mismatch]:
        """The first of each layer."""
        mismatches: dict[str, Mismatch] = {}
        image_bytes = self._put_image()
        bytes_at_start, bytes_in_turn = (0, image_bytes) if self.turn.image_comes else (image_bytes, 0)
        held_bytes = self.schedule.pool_bytes_at_start
        for group, kept_bytes in self._together():
            try:
                if group[0] == 0:
                    self._check_start(bytes_at_start)
            except MismatchError as error:
                mismatches[self.parts[0].name] = error.mismatch
            changes = [_changes(self.schedule)[number] for number in group]
            taken_bytes, freed_bytes = (sum(sizes) for sizes in zip(*changes, strict=True))
            begun_bytes = kept_bytes + (bytes_in_turn if group[0] == 0 else 0)
            for number in group:
                part = self.parts[number]
                begun_bytes += self._bring(number, part) + self._write(number, part)
                try:
                    self._check_operands(number, part)
                    self._check_reads(number, part)
                except MismatchError as error:
                    mismatches.setdefault(part.name, error.mismatch)
            self._end_uses(group)
            kept = [kept_bytes] if kept_bytes else []
            self.idle = {tuple(sorted([*others, *kept])) for others in self.idle}
            left = {rest for sizes in self.idle for rest in _without(sizes, freed_bytes)}
            held_bytes += taken_bytes - freed_bytes
            try:
                self._expect(Quantity.TENSOR_BYTES, taken_bytes, begun_bytes)
                self._check_size(held_bytes + freed_bytes)
                if not left:
                    self._refuse_given_up(freed_bytes)
                if group[-1] == len(self.parts) - 1:
                    self._check_end(held_bytes)
            except MismatchError as error:
                mismatches.setdefault(self.parts[group[-1]].name, error.mismatch)
            self.idle = left or {()}
        return mismatches

    def _together(self) -> Iterator[tuple[range, int]]:
        """Each layer by itself, or those of a cascade; and what these keep beside tensors, for as long."""
        of_chains = {chain.layers[0]: chain for chain in self.chains}
        number = 0
        while number < len(self.parts):
            chain = of_chains.get(number)
            group = range(number, number + 1) if chain is None else chain.layers
            yield group, 0 if chain is None else chain.kept_bytes
            number = group.stop

    def _expect(self, quantity: Quantity, scheduled: int, observed: int) -> None:
        expect_equal(quantity, scheduled, observed, memory=self.memory)

    def _check_start(self, image_bytes: int) -> None:
        """The image lies where the machine says, and pinned weights, or the room for them, in the pool."""
        quantity = Quantity.IMAGE_AND_WEIGHT_BYTES if self.weight_bytes else Quantity.IMAGE_BYTES
        self._expect(quantity, self.schedule.pool_bytes_at_start, image_bytes + self.weight_bytes)

    def _put_image(self) -> int:
        """Where the machine says; returns what it takes of the pool."""
        if self.hardware.input_place != self.memory:
            self.outside.add(IMAGE)
            return 0
        size_bytes = self.pieces.bytes_of[IMAGE]
        self.in_pool.add(IMAGE)
        if IMAGE in self.last_use:
            self.needed.append(IMAGE)
        else:
            self.idle = {(size_bytes,)}
        return size_bytes

    def _bring(self, number: int, part: _Part) -> int:
        """Inputs that are moved to where they stay lie there from now on; returns what of them begins so."""
        if not _come(self.schedule.mappings[number]):
            return 0
        new = [piece for piece in part.reads[Operand.INPUTS] if piece not in self.in_pool]
        self.in_pool.update(new)
        self.came |= dict.fromkeys(new, number)
        begun = {self.pieces.tensor_of[piece] for piece in new} - set(self.needed)
        self.needed += sorted(begun)
        return sum(self.pieces.bytes_of[tensor] for tensor in begun)

    def _write(self, number: int, part: _Part) -> int:
        """What a layer writes goes where its mapping says; returns what of it begins in the pool."""
        piece = part.writes
        tensor = self.pieces.tensor_of[piece]
        if Operand.OUTPUTS in self._outside(number):
            self.outside.add(piece)
        if Operand.OUTPUTS not in self._inside(number):
            return 0
        self.in_pool.add(piece)
        if tensor in self.needed:
            return 0
        self.needed.append(tensor)
        return self.pieces.bytes_of[tensor]

    def _end_uses(self, group: range) -> None:
        """Tensors that no layer to come reads or writes in the pool may be given up there."""
        ended = [tensor for tensor in self.needed if self.last_use[tensor] in group]
        sizes = [self.pieces.bytes_of[tensor] for tensor in ended]
        self.idle = {tuple(sorted([*others, *sizes])) for others in self.idle}
        self.needed = [tensor for tensor in self.needed if tensor not in ended]

    def _check_operands(self, number: int, part: _Part) -> None:
        """Each operand lies in a memory that may keep it, and moves between that and the pool or stays."""
        mapping, kept_in = self.schedule.mappings[number], self.hardware.activation_places
        inside, outside = self._inside(number), self._outside(number)
        places = self.schedule.places[number] if self.schedule.places else {}
        for operand in (*part.reads, Operand.OUTPUTS):
            place = places.get(operand, self.home)
            placed, moved = operand in inside, operand in outside
            if place not in kept_in:
                refuse(Difference.NO_SUCH_PLACE, operand=operand, place=place, places=" or ".join(kept_in))
            comes = operand is Operand.INPUTS and _come(mapping)
            again = comes and any(self.came.get(piece) != number for piece in part.reads[operand])
            lies_there = placed and (again or not comes)
            if lies_there != (place == self.memory):
                refuse(Difference.OTHER_PLACE, operand=operand, place=place)
            if moved and self.home not in kept_in:
                refuse(Difference.MOVES_TO_NO_PLACE, operand=operand, memory=self.home)
            if not (placed or moved):
                refuse(Difference.LIES_NOWHERE, operand=operand, memory=self.memory)
            if again or (placed and moved and operand is Operand.RESIDUAL):
                refuse(Difference.MOVES_WHAT_STAYS, operand=operand, memory=self.memory)
            if self.hardware.tensor_memory is not None and operand not in mapping.moved - mapping.placed:
                refuse(Difference.NEVER_MOVES, operand=operand, place=place)
        in_chain = any(number in chain.layers for chain in self.chains)  # of which each stripe is looked at
        layer = self.schedule.layers[number]
        if layer.on_array and not layer.multiplies_activations and not in_chain:
            check = (
                self._check_weights if self.hardware.tensor_memory is None else self._check_where_weights_are
            )
            check(mapping, places.get(Operand.WEIGHTS, self.home_of_weights))

    def _check_weights(self, mapping: Mapping, place: str) -> None:
        """They come from outside, or stay in the pool, where they come in the first inference alone."""
        placed, moved = Operand.WEIGHTS in mapping.placed, Operand.WEIGHTS in mapping.moved
        may_stay = self.hardware.keeps("weights")
        lies_there = place == (self.memory if placed else self.home_of_weights)
        if not lies_there or not (placed or moved) or (placed and not may_stay):
            refuse(Difference.WEIGHTS_ELSEWHERE, memory=self.home_of_weights)
        if placed and moved and not self.turn.weights_come:
            refuse(Difference.WEIGHTS_COME_AGAIN, memory=self.memory)
        if placed and self.turn.weights_come and not moved:
            refuse(Difference.WEIGHTS_NEVER_COME, memory=self.memory)

    def _check_where_weights_are(self, mapping: Mapping, place: str) -> None:
        """They move from off chip, or from the memory for tensors if they are there already."""
        may_stay = place == self.memory and self.hardware.keeps("weights")
        if place != self.home_of_weights and not may_stay:
            refuse(Difference.WEIGHTS_ELSEWHERE, memory=self.home_of_weights)
        if Operand.WEIGHTS not in mapping.moved - mapping.placed:
            refuse(Difference.NEVER_MOVES, operand=Operand.WEIGHTS, place=place)
        if place == self.memory and self.turn.weights_come:
            refuse(Difference.WEIGHTS_NEVER_COME, memory=self.memory)

    def _check_reads(self, number: int, part: _Part) -> None:
        """Whatever a layer reads was written where it is read."""
        for operand, pieces in part.reads.items():
            mapping = self.schedule.mappings[number]
            there = operand in self._inside(number) and not (operand is Operand.INPUTS and _come(mapping))
            written, place = (self.in_pool, self.memory) if there else (self.outside, self.home)
            for piece in pieces:
                if piece not in written:
                    refuse(Difference.READS_ELSEWHERE, piece=_named(piece), operand=operand, place=place)

    def _check_size(self, held_bytes: int) -> None:
        """Beside the tiles of each step, which the walk counts."""
        if held_bytes > self.room_bytes:
            room = self.room_bytes
            refuse(Difference.TENSORS_TOO_LARGE, used=held_bytes, memory=self.memory, room=room)

    def _refuse_given_up(self, freed_bytes: int) -> NoReturn:
        """A layer gives up what is still used in the pool, or what no tensor takes."""
        for tensor in sorted(self.needed, key=self.last_use.__getitem__):
            rest_bytes, user = freed_bytes - self.pieces.bytes_of[tensor], self.last_use[tensor]
            if not any(_without(sizes, rest_bytes) for sizes in self.idle):
                continue
            given_up: dict[str, Part] = {"freed": freed_bytes, "memory": self.memory, "piece": _named(tensor)}
            if user == len(self.parts):
                refuse(Difference.GIVES_UP_RESULT, **given_up)
            refuse(Difference.GIVES_UP_WHAT_IS_READ, **given_up, layer=self.parts[user].name)
        left = " or ".join(map(str, sorted({sum(sizes) for sizes in self.idle})))
        refuse(Difference.GIVES_UP_NO_TENSOR, freed=freed_bytes, memory=self.memory, left=left)

    def _check_end(self, held_bytes: int) -> None:
        """Results lie where the machine says, and nothing but results and pinned weights."""
        place = self.hardware.output_place
        for part in self.parts:
            if part.is_result and part.writes not in (self.in_pool if self.results_stay else self.outside):
                refuse(Difference.RESULT_ELSEWHERE, piece=_named(part.writes), place=place)
        result_bytes = sum(self.pieces.bytes_of[tensor] for tensor in self.needed)
        self._expect(Quantity.LEFT_BYTES, held_bytes, result_bytes + self.weight_bytes)


def _come(mapping: Mapping) -> bool:
    """Whether inputs come from outside to a place where they stay."""
    return Operand.INPUTS in mapping.placed & mapping.moved


def _named(piece: str) -> str:
    return piece if piece == IMAGE else f"the output of {piece}"


def _without(sizes: tuple[int, ...], freed_bytes: int) -> set[tuple[int, ...]]:
    """What may be left of some tensors, by their sizes, where others of them took so many bytes together."""
    if freed_bytes == 0:
        return {sizes}
    if not 0 < freed_bytes <= sum(sizes):
        return set()
    first, *others = sizes
    left = {(first, *rest) for rest in _without(tuple(others), freed_bytes)}
    return left | _without(tuple(others), freed_bytes - first)
