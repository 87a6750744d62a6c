"""Energy tables of other tools, as prices of a machine: Accelergy's reference tables, CACTI's CSV."""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.hardware.energy_tables.figures import Figure
    from accelsim.hardware.energy_tables.importing import (
        EnergyImport,
        TableFiles,
        import_energy,
    )
    from accelsim.hardware.energy_tables.matching import Choices

__all__ = ["Choices", "EnergyImport", "Figure", "TableFiles", "import_energy"]
__getattr__, __dir__ = door(
    __name__,
    {
        "figures": ("Figure",),
        "importing": ("EnergyImport", "TableFiles", "import_energy"),
        "matching": ("Choices",),
    },
)
