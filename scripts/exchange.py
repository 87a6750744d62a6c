"""Give networks to SCALE-Sim and ZigZag in the files that accelsim exports, and compare the MACs they count.

    python scripts/exchange.py

Makes an environment with both packages, and prints a line for each network; exit 1 where one differs. Theirs
are the readers: `topologies` of scalesim, `WorkloadValidator` and `LayerNodeFactory` of zigzag-dse.
"""

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Final

from accelsim import load_network
from accelsim.exporters import exported, workload_of

NETWORKS: Final = ("mobilenet_v1", "resnet18", "shufflenet_v1", "inception_v3", "densenet121")
PACKAGES: Final = ("scalesim==3.0.0", "zigzag-dse==3.9.1", "pyyaml", "six")
COUNT: Final = """\
import json, math, sys
import yaml
from scalesim.topology_utils import topologies
from zigzag.parser.workload_factory import LayerNodeFactory
from zigzag.parser.workload_validator import WorkloadValidator

topology = topologies()
topology.load_arrays(sys.argv[1])
topology.topo_calc_hyperparams()
validator = WorkloadValidator(yaml.safe_load(open(sys.argv[2])))
assert validator.validate()
nodes = [LayerNodeFactory(layer, None).create_node_attr() for layer in validator.normalized_data]
print(json.dumps({
    "scale-sim": sum(entry[2] for entry in topology.layers_calculated_hyperparams),
    "zigzag": sum(math.prod(node.layer_dim_sizes.data.values()) for node in nodes),
}))
"""


def main() -> int:
    """Compare all networks."""
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "environment"
        venv.create(environment, with_pip=True)
        python = environment / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        return max(_compare(name, Path(folder), python) for name in NETWORKS)


def _compare(name: str, folder: Path, python: Path) -> int:
    """A line for a network; 1 where somebody counts otherwise."""
    network = load_network(name)
    files = {"scale-sim": folder / f"{name}.csv", "zigzag": folder / f"{name}.yaml"}
    files["scale-sim"].write_text(exported(network, "scale-sim").text, encoding="utf-8")
    files["zigzag"].write_text(exported(network, "zigzag").text, encoding="utf-8")
    command = [str(python), "-c", COUNT, str(files["scale-sim"]), str(files["zigzag"])]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    theirs = json.loads(output.splitlines()[-1])
    ours = sum(layer.macs for layer in workload_of(network).layers)
    counts = [f"{tool} {macs:,}" for tool, macs in {"accelsim": ours, **theirs}.items()]
    sys.stdout.write(f"{name}: {', '.join(counts)}\n")
    return int(set(theirs.values()) != {ours})


if __name__ == "__main__":
    sys.exit(main())
