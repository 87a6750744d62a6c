"""Recent: values that were used lately, as many as fit into a budget of bytes that several of them share."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, MutableMapping
from typing import Any, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")


class ByteBudget:
    """Bytes that several tables share: what was used longest ago goes first, whichever table it is in.

    Args:
        most_bytes: What the tables may hold together, by their estimates.

    Example:
        >>> budget = ByteBudget(most_bytes=10)
        >>> names, sizes = Recent(budget, len), Recent(budget, lambda _: 4)
        >>> names["a"], names["b"], sizes["c"] = "conv1", "fc", 55
        >>> "a" in names, budget.held_bytes
        (False, 6)
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.held_bytes = 0
        """By the estimates of the tables; never more than `most_bytes`, but for a single larger value."""
        self.entries: OrderedDict[tuple[int, Hashable], tuple[Any, int]] = OrderedDict()
        """(table, key): value and bytes; what was used last is last."""
        self._tables = 0

    def next_table(self) -> int:
        """A number for one more table."""
        self._tables += 1
        return self._tables

    def put(self, entry: tuple[int, Hashable], value: Any, size_bytes: int) -> None:
        """Hold a value as the one that was used last, and let go of the oldest that no longer fit."""
        self.drop(entry)
        self.entries[entry] = (value, size_bytes)
        self.held_bytes += size_bytes
        while self.held_bytes > self.most_bytes and len(self.entries) > 1:
            self.held_bytes -= self.entries.popitem(last=False)[1][1]

    def drop(self, entry: tuple[int, Hashable]) -> None:
        """Let go of a value, if it is held."""
        self.held_bytes -= self.entries.pop(entry, (None, 0))[1]


class Recent(MutableMapping[KeyT, ValueT]):
    """A table of values within a budget; any of them may be gone at the next look, and is then made again.

    Tables refer to the budget and never the other way, so that all goes as soon as its owner does.

    Example:
        >>> squares = Recent(ByteBudget(100), lambda _: 28)
        >>> squares.get_or_make(3, lambda: 9), squares[3]
        (9, 9)
    """

    def __init__(self, budget: ByteBudget, bytes_of: Callable[[ValueT], int]) -> None:
        """An empty table.

        Args:
            budget: Shared with other tables.
            bytes_of: Estimates what a value takes beside what other tables hold too.
        """
        self._budget, self._bytes_of = budget, bytes_of
        self._table = budget.next_table()

    def __getitem__(self, key: KeyT) -> ValueT:
        entry, entries = (self._table, key), self._budget.entries
        value: ValueT = entries[entry][0]
        entries.move_to_end(entry)
        return value

    def __setitem__(self, key: KeyT, value: ValueT) -> None:
        self._budget.put((self._table, key), value, self._bytes_of(value))

    def __delitem__(self, key: KeyT) -> None:
        if key not in self:
            raise KeyError(key)
        self._budget.drop((self._table, key))

    def __contains__(self, key: object) -> bool:
        return (self._table, key) in self._budget.entries

    def __iter__(self) -> Iterator[KeyT]:
        return (key for table, key in list(self._budget.entries) if table == self._table)  # type: ignore[misc]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def get_or_make(self, key: KeyT, make: Callable[[], ValueT]) -> ValueT:
        """The value of a key, made where it is not held."""
        if key in self:
            return self[key]
        # Not within an `except`: an error that `make` raises would have a KeyError with this key as its
        # context, and where errors travel between processes with their context, as Dask lets them, a key
        # may be what cannot.
        value = self[key] = make()
        return value
