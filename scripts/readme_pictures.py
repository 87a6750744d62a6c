"""Draw the pictures of the README, from runs of the current model.

python scripts/readme_pictures.py
"""

from pathlib import Path

from matplotlib.figure import Figure

import accelsim
from accelsim.report.plot_layers import INCHES_PER_RESULT, plot_layers

IMAGES = Path(__file__).parent.parent / "docs" / "images"


def main() -> None:
    """docs/images/layers.png: SqueezeNext's baseline against its version for this machine."""
    hardware = accelsim.load_hardware("16x16_128k")
    results = [
        accelsim.run_network(accelsim.load_network(name), hardware) for name in ("sqnxt23", "sqnxt23v5")
    ]
    figure = Figure(figsize=(10, INCHES_PER_RESULT * len(results)))
    plot_layers(results, figure)
    IMAGES.mkdir(parents=True, exist_ok=True)
    figure.savefig(IMAGES / "layers.png", dpi=120)


if __name__ == "__main__":
    main()
