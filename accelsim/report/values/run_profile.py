"""The profile of a run in figures: what the SqueezeNext paper says of its per-layer figure, as values.

Gholami et al., arXiv:1803.10615, section 4: the first convolution takes a large part of the baseline's time,
the layers of the first stage use the array badly, and the profile of v5 is flatter.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from accelsim.report.values.stage_results import stages
from accelsim.result import RunResult


@dataclass(frozen=True)
class StageProfile:
    """One stage of the network's table.

    Example:
        >>> StageProfile("stage1", layers=3, time_share=0.25, utilization=0.5).time_share
        0.25
    """

    name: str
    """As the table names it."""
    layers: int
    """How many are executed."""
    time_share: float
    """Of the network's time."""
    utilization: float
    """MACs executed / (PEs x cycles)."""


@dataclass(frozen=True)
class Profile:
    """How a network's time and utilization are spread over its layers.

    Example:
        >>> from accelsim import run_network
        >>> result = run_network("mobilenet_v1@width=0.25,resolution=128", "16x16_128k")
        >>> profile(result).stage("conv1").layers
        1
    """

    network: str
    """Its name."""
    hardware: str
    """The machine's name."""
    utilization: float
    """MACs executed / (PEs x cycles), of the run."""
    stages: tuple[StageProfile, ...]
    """In network order."""
    first_convolution_time_share: float
    """Of the network's time."""
    time_variation: float
    """Standard deviation / mean of the layers' times, over the layers on the array: 0 is flat."""
    time_variation_after_first: float
    """The same without the first convolution."""
    utilization_variation: float
    """Standard deviation / mean of the layers' utilization, over the layers on the array: 0 is flat."""

    def stage(self, name: str) -> StageProfile:
        """A stage by its name."""
        return next(stage for stage in self.stages if stage.name == name)


def profile(result: RunResult) -> Profile:
    """The profile of a run.

    Args:
        result: A run whose network has two layers on the array or more.

    Returns:
        Shares of the time, utilization, and how much both differ between layers.

    Example:
        >>> from accelsim import run_network
        >>> result = run_network("mobilenet_v1@width=0.25,resolution=128", "16x16_128k")
        >>> profile(result).network
        'mobilenet_v1@width=0.25,resolution=128'
    """
    on_array = [layer for layer in result.layers if layer.macs]
    times = [layer.cycles for layer in on_array]
    return Profile(
        network=result.network,
        hardware=result.hardware,
        utilization=result.utilization,
        stages=tuple(
            StageProfile(stage.name, len(stage.layers), stage.cycles / result.cycles, stage.utilization)
            for stage in stages(result)
        ),
        first_convolution_time_share=times[0] / result.cycles,
        time_variation=variation(times),
        time_variation_after_first=variation(times[1:]),
        utilization_variation=variation([layer.utilization for layer in on_array]),
    )


def variation(values: Sequence[float]) -> float:
    """Coefficient of variation: standard deviation / mean."""
    return statistics.pstdev(values) / statistics.fmean(values)
