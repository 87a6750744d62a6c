"""Count networks as other people define them: the CSV that tests hold `networks/*.yaml` to.

    pip install torch torchvision timm ultralytics
    python scripts/independent_counts.py                    all of them
    python scripts/independent_counts.py --only deit_tiny   some; the other lines stay
    python scripts/independent_counts.py --only unet_small --hub DIR
    python scripts/independent_counts.py --onnx DIR

Nothing of accelsim takes part. Each network is made by the package that defines it, without trained weights,
and run once: every convolution and matrix product that PyTorch executes is counted from the shapes of its
operands, and told apart by whether a layer with parameters executed it (`conv_macs`, `linear_macs`) or not
(`product_macs`, of two activations, as in attention). `weights` and `biases` are those of convolutions and
linear layers, `norms` scale and shift of normalisations (not running statistics), `other_params` all else:
position embeddings and class tokens. Batch normalisation is not folded.

U-Net is defined in a repository, not in a package: it is loaded by torch.hub, or from a clone (`--hub DIR`);
it was counted at commit d45f8908ab2f.

`--onnx DIR` writes the same definitions as ONNX models (which needs onnx), with weights at random, so that
what accelsim makes of them can be compared with what it makes of its own tables; nothing is counted then.
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


class Where(NamedTuple):
    """On which device a model is made, and where the clone of the repository lies, if there is one."""

    device: str
    hub: Path | None


def torchvision_model(name: str, where: Where) -> nn.Module:
    """As torchvision defines it."""
    import torchvision

    with torch.device(where.device):
        return torchvision.models.get_model(name, weights=None)


def timm_model(name: str, where: Where) -> nn.Module:
    """As timm defines it; attention as the products that it is."""
    import timm

    timm.layers.set_fused_attn(False)
    with torch.device(where.device):
        return timm.create_model(name, pretrained=False)


def ultralytics_model(name: str, _where: Where) -> nn.Module:
    """As ultralytics defines it, on no device but the CPU: it computes with its weights when it is made."""
    from ultralytics.nn.tasks import DetectionModel

    return DetectionModel(name, verbose=False)


def hub_model(name: str, where: Where) -> nn.Module:
    """As the repository defines it; arguments follow the name."""
    repository, source = (HUB, "github") if where.hub is None else (str(where.hub), "local")
    entry, *settings = name.split()
    arguments = {key: int(value) for key, value in (setting.split("=") for setting in settings)}
    with torch.device(where.device):
        model: nn.Module = torch.hub.load(repository, entry, source=source, pretrained=False, **arguments)
    return model


MAKERS: Final[dict[str, Callable[[str, Where], nn.Module]]] = {
    "torchvision": torchvision_model,
    "timm": timm_model,
    "ultralytics": ultralytics_model,
    HUB: hub_model,
}


def exported(definition: Definition, hub: Path | None, folder: Path) -> None:
    """Write the network as an ONNX model, all weights different: equal ones would become one."""
    model = MAKERS[definition.tool](definition.model, Where("cpu", hub)).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    if definition.tool == "ultralytics":
        model.model[-1].export = True  # type: ignore[union-attr, index]
    path = folder / f"{definition.network}-{definition.tool.partition('/')[0]}.onnx"
    image = torch.zeros(1, 3, definition.size, definition.size)
    torch.onnx.export(model, (image,), str(path), dynamo=False, opset_version=17)


def counted(definition: Definition, hub: Path | None) -> dict[str, Any]:
    """The line of a network in the file."""
    model = MAKERS[definition.tool](definition.model, Where("meta", hub)).eval()
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


def write_counts(definitions: Sequence[Definition], hub: Path | None) -> None:
    """Write the file anew: the lines that were asked for, and those that it had of the others."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    if CSV.exists():
        with CSV.open(encoding="utf-8", newline="") as file:
            rows = {(row["network"], row["tool"]): row for row in csv.DictReader(file)}
    rows |= {(asked.network, asked.tool): counted(asked, hub) for asked in definitions}
    ordered = [rows[key] for known in DEFINITIONS if (key := (known.network, known.tool)) in rows]
    with CSV.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ordered[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(ordered)


def main() -> None:
    """Count, or export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", metavar="NETWORK,...", help="networks of `networks/`; all if not given")
    parser.add_argument("--hub", type=Path, metavar="DIR", help=f"a clone of github.com/{HUB}")
    parser.add_argument("--onnx", type=Path, metavar="DIR", help="write ONNX models there, and count nothing")
    arguments = parser.parse_args()
    families = {definition.network.partition("@")[0] for definition in DEFINITIONS}
    only = set(arguments.only.split(",")) if arguments.only else families
    if unknown := only - families:
        parser.error(f"{', '.join(sorted(unknown))}: must be among {', '.join(sorted(families))}")
    asked = [definition for definition in DEFINITIONS if definition.network.partition("@")[0] in only]
    if arguments.onnx is None:
        write_counts(asked, arguments.hub)
        return
    arguments.onnx.mkdir(parents=True, exist_ok=True)
    for definition in asked:
        exported(definition, arguments.hub, arguments.onnx)


if __name__ == "__main__":
    main()
