"""What one run found out, kept for the next: in memory, within a budget of bytes, and in files."""

from accelsim.door import door

TYPE_CHECKING = False  # typing's takes longer to import than the rest of this module
if TYPE_CHECKING:
    from accelsim.reuse.cache import Cache, LayersOnMachine, cache_of_this_process
    from accelsim.reuse.file import FileFormat, OwnFile, can_be_kept, checksum
    from accelsim.reuse.foreign import foreign_code
    from accelsim.reuse.identity import Identity
    from accelsim.reuse.recent import ByteBudget, Recent

__all__ = [
    "ByteBudget",
    "Cache",
    "FileFormat",
    "Identity",
    "LayersOnMachine",
    "OwnFile",
    "Recent",
    "cache_of_this_process",
    "can_be_kept",
    "checksum",
    "foreign_code",
]
__getattr__, __dir__ = door(
    __name__,
    {
        "cache": ("Cache", "LayersOnMachine", "cache_of_this_process"),
        "file": ("FileFormat", "OwnFile", "can_be_kept", "checksum"),
        "foreign": ("foreign_code",),
        "identity": ("Identity",),
        "recent": ("ByteBudget", "Recent"),
    },
)
