"""Count networks as other people define them: the CSV that tests hold `networks/*.yaml` to.

    pip install torch torchvision timm ultralytics
    python scripts/independent_counts.py                    all of them
    python scripts/independent_counts.py --only deit_tiny   some; the other lines stay
    python scripts/independent_counts.py --only unet_small --hub DIR

Nothing of accelsim takes part. Each network is made by the package that defines it, without trained weights,
and run once: every convolution and matrix product that PyTorch executes is counted from the shapes of its
operands, and told apart by whether a layer with parameters executed it (`conv_macs`, `linear_macs`) or not
(`product_macs`, of two activations, as in attention). `weights` and `biases` are those of convolutions and
linear layers, `norms` scale and shift of normalisations (not running statistics), `other_params` all else:
position embeddings and class tokens. Batch normalisation is not folded.

U-Net is defined in a repository, not in a package: it is loaded by torch.hub, or from a clone (`--hub DIR`).
"""

import argparse
import csv
import datetime
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

CSV: Final = Path(__file__).parents[1] / "tests" / "published" / "independent_counts.csv"
HUB: Final = "mateuszbuda/brain-segmentation-pytorch"
CONVOLUTIONS: Final = (nn.Conv2d, nn.ConvTranspose2d)
NORMS: Final = (nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)


class Definition(NamedTuple):
    """Who defines a network, what it is called there, and for which image it is counted."""

    network: str
    tool: str
    model: str
    size: int = 224


DEFINITIONS: Final = (
    Definition("mobilenet_v3_large", "torchvision", "mobilenet_v3_large"),
    Definition("mobilenet_v3_large", "timm", "tf_mobilenetv3_large_100"),
    Definition("mobilenet_v3_large@width=0.75", "timm", "tf_mobilenetv3_large_075"),
    Definition("mobilenet_v3_small", "torchvision", "mobilenet_v3_small"),
    Definition("mobilenet_v3_small", "timm", "tf_mobilenetv3_small_100"),
    Definition("mobilenet_v3_small@width=0.75", "timm", "tf_mobilenetv3_small_075"),
    Definition("efficientnet_b0", "torchvision", "efficientnet_b0"),
    Definition("efficientnet_b0", "timm", "tf_efficientnet_b0"),
    Definition("efficientnet_lite0", "timm", "tf_efficientnet_lite0"),
    Definition("regnet_x_200mf", "timm", "regnetx_002"),
    Definition("deit_tiny", "timm", "deit_tiny_patch16_224"),
    Definition("mobilevit_xxs", "timm", "mobilevit_xxs", 256),
    Definition("yolov8n", "ultralytics", "yolov8n.yaml", 640),
    Definition("unet_small", HUB, "unet", 256),
    Definition("unet_small@features=16", HUB, "unet init_features=16", 256),
)


class Counts(TorchDispatchMode):
    """Multiply-accumulates of whatever is executed, by kind; hooks say which layer is at work."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.macs: Counter[str] = Counter()
        self.layer = "product"
        for module in model.modules():
            kind = "conv" if isinstance(module, CONVOLUTIONS) else "linear"
            if isinstance(module, (*CONVOLUTIONS, nn.Linear)):
                module.register_forward_pre_hook(lambda *_, kind=kind: setattr(self, "layer", kind))
                module.register_forward_hook(lambda *_: setattr(self, "layer", "product"))

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Execute an operation, and count it."""
        output = func(*args, **(kwargs or {}))
        self.macs[self.layer] += macs_of(func, args, output)
        return output


def macs_of(func: Any, args: Sequence[Any], output: Any) -> int:
    """What an operation of PyTorch multiplies and adds up: a fused attention is refused, not guessed."""
    aten = torch.ops.aten
    if "attention" in func.__name__:
        raise NotImplementedError(f"{func} is counted nowhere: have the model use matrix products")
    if func is aten.convolution.default:
        image, weight, transposed = args[0], args[1], args[6]
        pixels = image if transposed else output  # each is a product with all taps of the kernel
        return int(pixels.numel() * weight.numel() // weight.shape[0])
    if func in {aten.mm.default, aten.bmm.default}:
        return int(output.numel() * args[0].shape[-1])
    if func in {aten.addmm.default, aten.baddbmm.default}:
        return int(output.numel() * args[1].shape[-1])
    return 0


def params_of(model: nn.Module) -> Counter[str]:
    """Parameters by kind; a tensor that several layers share is counted once."""
    counts: Counter[str] = Counter()
    kinds: dict[int, str] = {}
    for module in model.modules():
        for key, tensor in module.named_parameters(recurse=False):
            kind = "other_params"
            if isinstance(module, NORMS):
                kind = "norms"
            elif isinstance(module, (*CONVOLUTIONS, nn.Linear)):
                kind = {"weight": "weights", "bias": "biases"}[key]
            kinds[id(tensor)] = kind
    for tensor in model.parameters():
        counts[kinds[id(tensor)]] += tensor.numel()
    return counts


def torchvision_model(name: str, _hub: Path | None) -> nn.Module:
    """As torchvision defines it, without memory for its weights."""
    import torchvision

    with torch.device("meta"):
        return torchvision.models.get_model(name, weights=None)


def timm_model(name: str, _hub: Path | None) -> nn.Module:
    """As timm defines it, without memory for its weights; attention as the products that it is."""
    import timm

    timm.layers.set_fused_attn(False)
    with torch.device("meta"):
        return timm.create_model(name, pretrained=False)


def ultralytics_model(name: str, _hub: Path | None) -> nn.Module:
    """As ultralytics defines it, with weights at random: it computes with some when it is made."""
    from ultralytics.nn.tasks import DetectionModel

    return DetectionModel(name, verbose=False)


def hub_model(name: str, hub: Path | None) -> nn.Module:
    """As the repository defines it, of a clone where one is given; arguments follow the name."""
    where, source = (HUB, "github") if hub is None else (str(hub), "local")
    entry, *settings = name.split()
    arguments = {key: int(value) for key, value in (setting.split("=") for setting in settings)}
    model: nn.Module = torch.hub.load(where, entry, source=source, pretrained=False, **arguments)
    return model


MAKERS: Final[dict[str, Callable[[str, Path | None], nn.Module]]] = {
    "torchvision": torchvision_model,
    "timm": timm_model,
    "ultralytics": ultralytics_model,
    HUB: hub_model,
}


def counted(definition: Definition, hub: Path | None) -> dict[str, Any]:
    """The line of a network in the file."""
    model = MAKERS[definition.tool](definition.model, hub).eval()
    counts = Counts(model)
    device = next(model.parameters()).device
    with torch.no_grad(), counts:
        model(torch.zeros(1, 3, definition.size, definition.size, device=device))
    params = params_of(model)
    known = definition.tool if definition.tool in {"torchvision", "timm", "ultralytics"} else "torch"
    return {
        **definition._asdict(),
        "version": f"{known} {version(known)}",
        **{f"{kind}_macs": counts.macs[kind] for kind in ("conv", "linear", "product")},
        **{kind: params[kind] for kind in ("weights", "biases", "norms", "other_params")},
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
    }


def main() -> None:
    """Write the file anew: the lines that were asked for, and those that it had of the others."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", metavar="NETWORK,...", help="networks to count, of those above")
    parser.add_argument("--hub", type=Path, metavar="DIR", help=f"a clone of github.com/{HUB}")
    arguments = parser.parse_args()
    only = arguments.only.split(",") if arguments.only else None
    had: dict[tuple[str, ...], dict[str, Any]] = {}
    if CSV.exists():
        with CSV.open(encoding="utf-8", newline="") as file:
            had = {(row["network"], row["tool"]): row for row in csv.DictReader(file)}
    rows = []
    for definition in DEFINITIONS:
        key = (definition.network, definition.tool)
        if only is None or definition.network.partition("@")[0] in only:
            had[key] = counted(definition, arguments.hub)
        if key in had:
            rows.append(had[key])
    with CSV.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
