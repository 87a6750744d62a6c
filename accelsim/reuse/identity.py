"""Identity: an object as a key, told from others by being another object and not by its value."""

import weakref
from typing import Any, Final


class Identity:
    """A key for values that are costly to compare: networks, machines, graphs, mappings.

    Equal are keys of one object; those of equal objects are not, which costs a search and never a result. The
    object is not kept alive. One that has its address after it has gone is told from it.

    Example:
        >>> class Network: ...
        >>> network = Network()
        >>> {Identity(network): "lowered"}[Identity(network)], Identity(network) == Identity(Network())
        ('lowered', False)
    """

    __slots__ = ("_address", "_reference")

    def __init__(self, value: Any) -> None:
        """The key of a value.

        Args:
            value: Of a type that takes weak references.
        """
        self._address: Final = id(value)
        self._reference: Final = weakref.ref(value)

    def __hash__(self) -> int:
        return self._address

    def __eq__(self, key: object) -> bool:
        if not isinstance(key, Identity):
            return NotImplemented
        value = self._reference()
        return self is key or (value is not None and value is key._reference())
