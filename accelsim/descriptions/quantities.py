"""Quantities: types of the numbers in descriptions, by what they count; limits.py has reasons for bounds."""

from typing import Annotated, TypeAlias

from pydantic import Field

from accelsim.descriptions.limits import (
    MAX_AREA_MM2,
    MAX_AXIS,
    MAX_BANDWIDTH,
    MAX_BATCH,
    MAX_BATTERY_MWH,
    MAX_BUFFER_BYTES,
    MAX_BURST_BYTES,
    MAX_BYTES_PER_SECOND,
    MAX_CASCADE_LAYERS,
    MAX_CHANNELS,
    MAX_CLOCK_MHZ,
    MAX_DESCRIPTORS,
    MAX_ELEMENTS,
    MAX_EXPONENT,
    MAX_FACTOR,
    MAX_FRAMES_PER_SECOND,
    MAX_HOST_CYCLES,
    MAX_LANES,
    MAX_LATENCY_CYCLES,
    MAX_LATENCY_SECONDS,
    MAX_LEAKAGE_MW,
    MAX_PAIRS_PER_WORD,
    MAX_PER_COLUMN,
    MAX_PER_CYCLE,
    MAX_PER_PE,
    MAX_POWER_MW,
    MAX_PRICE,
    MAX_PRICE_WORD_BITS,
    MAX_RATIO,
    MAX_REPEAT,
    MAX_REPORTED,
    MAX_RESOLUTION,
    MAX_RUN_BITS,
    MAX_SIDE,
    MAX_UNIT_PJ,
    MAX_WINDOW,
    MIN_BANDWIDTH,
    MIN_BYTES_PER_SECOND,
    MIN_CLOCK_MHZ,
    MIN_PART,
    MIN_PER_CYCLE,
    MIN_UNIT_PJ,
)

# --- networks

Channels: TypeAlias = Annotated[int, Field(ge=1, le=MAX_CHANNELS)]
"""Channels or features; groups of them, too."""
Ratio: TypeAlias = Annotated[float, Field(ge=MIN_PART, le=MAX_RATIO)]
"""Bytes of what is compressed for each byte of what it was."""
Slopes: TypeAlias = Annotated[int, Field(ge=0, le=MAX_ELEMENTS)]
"""Trained parameters of an activation, at most one for each element."""
Extent: TypeAlias = Annotated[int, Field(ge=1, le=MAX_WINDOW)]
"""Elements along one axis: of a kernel, from one window to the next, from one tap to the next."""
Margin: TypeAlias = Annotated[int, Field(ge=0, le=MAX_WINDOW)]
"""Rows or columns of padding."""
SignedMargin: TypeAlias = Annotated[int, Field(ge=-MAX_WINDOW, le=MAX_WINDOW)]
"""Rows or columns of padding, or (negative) of the input that are left out."""
Resolution: TypeAlias = Annotated[int, Field(ge=1, le=MAX_RESOLUTION)]
AxisLength: TypeAlias = Annotated[int, Field(ge=1, le=MAX_AXIS)]
Factor: TypeAlias = Annotated[int, Field(ge=1, le=MAX_FACTOR)]
Expansion: TypeAlias = Annotated[float, Field(ge=MIN_PART, le=MAX_FACTOR)]
"""Channels inside a block for each that comes in."""
Repeats: TypeAlias = Annotated[int, Field(ge=1, le=MAX_REPEAT)]
Reports: TypeAlias = Annotated[float, Field(gt=0, le=MAX_REPORTED)]
Percent: TypeAlias = Annotated[float, Field(ge=0, le=100)]
Fraction: TypeAlias = Annotated[float, Field(ge=MIN_PART, le=1)]
"""A part of something that is there."""

# --- runs

Batch: TypeAlias = Annotated[int, Field(ge=1, le=MAX_BATCH)]
FramesPerSecond: TypeAlias = Annotated[float, Field(gt=0, le=MAX_FRAMES_PER_SECOND)]
BatteryMilliwattHours: TypeAlias = Annotated[float, Field(gt=0, le=MAX_BATTERY_MWH)]

# --- machines

Bits: TypeAlias = Annotated[int, Field(ge=1, le=64)]
"""Bits of an element; no accelerator's are wider."""
IndexBits: TypeAlias = Annotated[int, Field(ge=0, le=64)]
"""Bits beside an element."""
OffsetBits: TypeAlias = Annotated[int, Field(ge=1, le=256)]
"""Of an output channel."""
Side: TypeAlias = Annotated[int, Field(ge=1, le=MAX_SIDE)]
BufferBytes: TypeAlias = Annotated[int, Field(ge=1, le=MAX_BUFFER_BYTES)]
PerPE: TypeAlias = Annotated[int, Field(ge=1, le=MAX_PER_PE)]
PerColumn: TypeAlias = Annotated[int, Field(ge=1, le=MAX_PER_COLUMN)]
PerCycle: TypeAlias = Annotated[float, Field(ge=MIN_PER_CYCLE, le=MAX_PER_CYCLE)]
"""Operations of a host."""
Operations: TypeAlias = Annotated[int, Field(ge=0, le=MAX_PER_PE)]
"""Of the vector unit, for an element."""
HostCycles: TypeAlias = Annotated[int, Field(ge=0, le=MAX_HOST_CYCLES)]
PortWords: TypeAlias = Annotated[int, Field(ge=1, le=MAX_PER_COLUMN)]
PortWordsOut: TypeAlias = Annotated[int, Field(ge=0, le=MAX_PER_COLUMN)]
"""None where nothing leaves."""
Lanes: TypeAlias = Annotated[int, Field(ge=1, le=MAX_LANES)]
LatencyCycles: TypeAlias = Annotated[int, Field(ge=0, le=MAX_LATENCY_CYCLES)]
BytesPerCycle: TypeAlias = Annotated[float, Field(ge=MIN_BANDWIDTH, le=MAX_BANDWIDTH)]
RunBits: TypeAlias = Annotated[int, Field(ge=1, le=MAX_RUN_BITS)]
PairsPerWord: TypeAlias = Annotated[int, Field(ge=1, le=MAX_PAIRS_PER_WORD)]
BurstBytes: TypeAlias = Annotated[int, Field(ge=1, le=MAX_BURST_BYTES)]
LatencySeconds: TypeAlias = Annotated[float, Field(ge=0, le=MAX_LATENCY_SECONDS)]
BytesPerSecond: TypeAlias = Annotated[float, Field(ge=MIN_BYTES_PER_SECOND, le=MAX_BYTES_PER_SECOND)]
Descriptors: TypeAlias = Annotated[int, Field(ge=1, le=MAX_DESCRIPTORS)]
CascadeLayers: TypeAlias = Annotated[int, Field(ge=2, le=MAX_CASCADE_LAYERS)]
"""That run stripe by stripe; one by itself is none."""
Megahertz: TypeAlias = Annotated[float, Field(ge=MIN_CLOCK_MHZ, le=MAX_CLOCK_MHZ)]
Price: TypeAlias = Annotated[float, Field(ge=0, le=MAX_PRICE)]
Exponent: TypeAlias = Annotated[float, Field(ge=0, le=MAX_EXPONENT)]
"""To which a size is raised."""
Milliwatts: TypeAlias = Annotated[float, Field(ge=0, le=MAX_POWER_MW)]
LeakageMilliwatts: TypeAlias = Annotated[float, Field(ge=0, le=MAX_LEAKAGE_MW)]
"""Of a part of the chip."""
UnitPicojoules: TypeAlias = Annotated[float, Field(ge=MIN_UNIT_PJ, le=MAX_UNIT_PJ)]
PriceWordBits: TypeAlias = Annotated[int, Field(ge=1, le=MAX_PRICE_WORD_BITS)]
SquareMillimetres: TypeAlias = Annotated[float, Field(ge=0, le=MAX_AREA_MM2)]
