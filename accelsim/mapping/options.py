"""MappingOptions: what is asked of the mapping of a network, beside the network and the machine."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from accelsim.choices import AUTO
from accelsim.descriptions.arguments import check_choice, check_text, whole_number
from accelsim.descriptions.limits import MAX_BATCH
from accelsim.errors import MappingError
from accelsim.hardware import Hardware, Objective

Activations: TypeAlias = Literal["anywhere", "on_chip"]


@dataclass(frozen=True, slots=True)
class MappingOptions:
    """How a network is to be mapped; one value for all of its layers.

    Raises:
        AccelsimError: An option is none that exists; which dataflows there are the machine says.

    Example:
        >>> MappingOptions(batch=4, objective="edp")
        MappingOptions(batch=4, dataflow='auto', objective='edp', activations='anywhere')
    """

    batch: int = 1
    """Images that run together."""
    dataflow: str = AUTO
    """The one for every layer that runs on the array; `auto` chooses for each."""
    objective: Objective | None = None
    """What mappings are chosen by; None is what the machine's compiler goes by (`hardware.mapper`)."""
    activations: Activations = "anywhere"
    """Where tensors may lie between layers: wherever the machine has them, or nowhere but on chip. Image and
    results lie where the machine's `io` says either way. On chip only on machines that keep activations."""

    def __post_init__(self) -> None:
        # numpy's integers are whole numbers, too
        object.__setattr__(self, "batch", whole_number("batch", self.batch, 1, MAX_BATCH))
        check_text("dataflow", self.dataflow, "auto or the name of a dataflow")
        check_choice("objective", self.objective, (None, *get_args(Objective)))
        check_choice("activations", self.activations, get_args(Activations))

    def check_on(self, hardware: Hardware) -> None:
        """Refuse what a machine cannot do: tensors that are to stay on chip where none do.

        Raises:
            MappingError: It keeps no activations.

        Example:
            >>> from accelsim.hardware import load_hardware
            >>> MappingOptions(activations="on_chip").check_on(load_hardware("npu_int8_2m"))
        """
        if self.activations == "on_chip" and not hardware.keeps("activations"):
            where = f"{hardware.name}, which keeps no activations on chip"
            raise MappingError(f"activations = 'on_chip': must be anywhere on {where}")
