"""What can be wrong with what a user gave: every error that accelsim raises on purpose."""


class AccelsimError(Exception):
    """Something the user can mend. Its text is one line for each thing wrong, and says the remedy."""

    @property
    def lines(self) -> list[str]:
        """The text, one item for each thing wrong."""
        return str(self).splitlines()


class DescriptionError(AccelsimError):
    """A YAML file, or a value that stands for one, does not describe a network or a machine."""


class NetworkError(AccelsimError):
    """A network whose layers do not fit each other: the text names the layer, both sizes and the remedy."""


class MappingError(AccelsimError):
    """A layer that a machine cannot execute: the text says demand, bound and what would help."""


class FileWarning(UserWarning):
    """A file of what was found out that cannot be used as it should be: it costs time, and no result."""
