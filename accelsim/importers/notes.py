"""What every result says of an imported network: `assumed` of its description."""

from collections.abc import Sequence
from dataclasses import replace

from accelsim.importers.model import Imported


def with_notes(model: Imported, notes: Sequence[str]) -> Imported:
    """A network of which every result says something: that it is a part, or priced otherwise."""
    if not notes:
        return model
    before = model.data.get("assumed", {})
    sentences = [*([before["stages"]] if "stages" in before else []), *notes]
    return replace(model, data={**model.data, "assumed": {**before, "stages": "; ".join(sentences)}})
