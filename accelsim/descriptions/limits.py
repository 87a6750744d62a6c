"""Limits: the largest (and smallest) numbers that descriptions and options hold, each with its reason.

A number without an upper bound is one that somebody mistypes: it costs hours, all of the memory, or more than
the 64 bits that tiles are counted in, without a word. So every number has one here: far beyond what is built,
and near enough that whatever follows from all of them together can be computed. docs/decisions/bounds.md has
them side by side, and says how their products stay below 2^63.
"""

from typing import Final

# --- networks

MAX_CHANNELS: Final = 1_000_000
"""Channels or features of a tensor. A layer that predicts every word of a language has 256,000; channels that
are shuffled are listed one by one."""
MAX_WINDOW: Final = 10_000
"""Kernel, stride, padding and dilation along one axis, in elements: the largest image has fewer pixels."""
MAX_RESOLUTION: Final = 8_192
"""Pixels along one side of a square image, as its parameter; 8K video. Beyond it a typing error is likelier
than a wish."""
MAX_AXIS: Final = 1 << 20
"""Rows or columns of a tensor, the input's too: a minute of audio has 960,000 samples."""
MAX_GATHERED: Final = 65_536
"""Elements that are picked one by one along an axis."""
MAX_ELEMENTS: Final = 10**9
"""Outputs, or weights, of a layer for one image: two gigabytes of 16 bits."""
MAX_MACS: Final = 10**13
"""Multiply-accumulates of a layer for one image: a thousand times those of the whole VGG-16 (1.5e10 for 224
pixels), enough for its widest layer at 8K."""
MAX_REPEAT: Final = 1_000
"""Blocks in a stage; ResNet-1001 has 333."""
MAX_BLOCKS: Final = 5_000
"""Blocks in a network, counted before any is built; ResNet-1001 has 336."""
MAX_OPERATORS: Final = 20_000
"""Operators in a network: the deepest published, ResNet-1001, has 3,500; each takes kilobytes and a
millisecond until it has run."""
MAX_VALUE: Final = 10**12
"""A parameter, or what an expression gives: more than any count of channels, blocks or pixels."""
MAX_REPORTED: Final = 1e18
"""Parameters, multiply-accumulates or bytes that a paper reports: the largest models have 1e12 parameters."""
MAX_FACTOR: Final = 10_000
"""Times so many channels, or one in so many of them: expansions are 6, reductions 16."""

MAX_RATIO: Final = 4.0
"""Of compressed to plain bytes: a code that makes four times as much of them is none."""
MIN_PART: Final = 1e-6
"""Of weights that are not zero, of a buffer: of the largest of either it leaves a thousand."""

# --- runs

MAX_BATCH: Final = 65_536
"""Images that run together; training in data centres goes to 32,768."""
MAX_WORKERS: Final = 1_024
"""Processes of a cluster that is started here; a larger one is started elsewhere, and has an address."""
MAX_SAMPLES: Final = 10_000_000
"""Candidates that a sampler proposes, or a table shows: at 100 a second they take a day."""
MAX_CANDIDATES: Final = 1_000_000
"""Networks of a search over depths, all of which are simulated: at 100 a second they take three hours. Their
number is computed before any is listed."""
MAX_SEED: Final = 2**32 - 1
"""As many as numpy's generators take."""
MAX_STEPS: Final = 10_000
"""Moves of a path: each helps, and none is taken back."""
MAX_AXIS_VALUES: Final = 1_000
"""Values on one axis of a sweep: each is checked by itself before anything runs."""
MAX_BOUND: Final = 1e30
"""What a constraint may compare with: energies times milliseconds are the largest figures."""
MAX_COUNT: Final = 2**62
"""What is counted of a layer, for all images of a batch: half of what 64 bits hold."""

# --- machines

MAX_SIDE: Final = 4_096
"""Rows or columns of the array; the largest built has 256."""
MAX_BUFFER_BYTES: Final = 1 << 30
"""A gibibyte on chip; the largest wafer-scale chip has 44 in 850,000 pieces."""
MAX_PER_PE: Final = 65_536
"""Partial sums in a PE, accumulators below a column: a register file of 64 KiB words is a buffer."""
MAX_PER_COLUMN: Final = 4_096
"""Words or operations of a column in one cycle: as many as the array may have rows."""
MAX_LANES: Final = 65_536
"""Operations of the vector unit in one cycle: sixteen for each column of the widest array."""
MAX_LATENCY_CYCLES: Final = 1_000_000
"""A millisecond at 1 GHz; flash memory takes a tenth of it."""
MIN_BANDWIDTH: Final = 1e-6
MAX_BANDWIDTH: Final = 1e6
"""Bytes per cycle: from a serial line of a kilobyte per second to a thousand stacks of HBM, at 1 GHz."""
MIN_PER_CYCLE: Final = 0.01
MAX_PER_CYCLE: Final = 10_000.0
"""Operations of a host in one cycle: from a function of a hundred instructions to a chip of its own. With
fewer the cycles of what may be counted of a layer (`MAX_COUNT`) could exceed 64 bits."""
MAX_HOST_CYCLES: Final = 1_000_000_000
"""Of a call: a second at 1 GHz, in which an operating system may start."""
MAX_BURST_BYTES: Final = 65_536
"""A page of flash memory; a burst of DRAM has 16 to 128."""
MAX_RUN_BITS: Final = 16
"""Of a number of zeros: 65,535 of them are a picture."""
MAX_PAIRS_PER_WORD: Final = 64
"""Of a code of runs, that share a bit; Eyeriss has 3."""
MIN_BYTES_PER_SECOND: Final = 1.0
MAX_BYTES_PER_SECOND: Final = 1e17
"""Of a channel with a clock of its own: what the bounds on bytes per cycle come to at the fastest clock."""
MAX_LATENCY_SECONDS: Final = 1.0
"""Of a channel with a clock of its own: a hundred times what a disk takes."""
MAX_DESCRIPTORS: Final = 1_024
"""Steps that the DMA knows of: each is some bytes of memory on the chip."""
MAX_CASCADE_LAYERS: Final = 16
"""That run stripe by stripe together: each more has a window of rows beside those of all before it."""
MIN_CLOCK_MHZ: Final = 1e-3
MAX_CLOCK_MHZ: Final = 1e5
"""From a kilohertz to 100 GHz; the fastest processors have 9."""
MAX_PRICE: Final = 1e9
"""Energy of one action, in the table's unit: DRAM costs some hundred multiply-accumulates, or 1e3 pJ. In
femtojoules it is still 1e6."""
MIN_UNIT_PJ: Final = 1e-18
MAX_UNIT_PJ: Final = 1e42
"""Energy of the table's unit in picojoules: from a quectojoule to a quettajoule, the smallest and the largest
that have a name."""
MAX_PRICE_WORD_BITS: Final = 4_096
"""Bits that a price is for: the widest bus of a stack of HBM has 1,024."""
MAX_EXPONENT: Final = 2.0
"""Of a law of size: what an access costs, or a kibibyte takes, grows with the square of the size at most; of
a memory of one piece it is a half."""
MAX_POWER_MW: Final = 1e6
"""That a chip draws at all times: a kilowatt, more than the largest accelerators at full load."""
MAX_LEAKAGE_MW: Final = 1e3
"""Of a kibibyte, or a square millimetre, that leaks: a thousand times the worst process at the highest
temperature."""
MAX_FRAMES_PER_SECOND: Final = 1e9
"""Images that come in a second: one a nanosecond."""
MAX_BATTERY_MWH: Final = 1e9
"""That a battery holds: a megawatt hour; a coin cell has 675, an electric car 1e8."""
MAX_AREA_MM2: Final = 1e5
"""Of a part, or of a kibibyte of it: a wafer has 7e4."""
