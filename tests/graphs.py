"""Networks that are written out operator by operator, made in tests."""

import json

import hypothesis.strategies as st

from accelsim.errors import NetworkError
from accelsim.network.build import build
from accelsim.network.configuration import configure
from accelsim.network.description import NetworkDescription


def described(rows, channels=3, side=8, **head):
    """The description of a network of these rows, as an import gives one."""
    data = {
        "name": "rows",
        "title": "Operators one by one",
        "source": "made up for these tests",
        "input": {"channels": channels, "height": side, "width": side},
        **head,
        "stages": [{"block": "graph", "name": "model", "operators": rows}],
    }
    return NetworkDescription.model_validate_json(json.dumps(data))


def row(name, operator, *inputs, **arguments):
    """One operator, and what it reads."""
    return {"name": name, "operator": operator, "inputs": list(inputs), **arguments}


def published(description):
    """The graph of a description."""
    return build(configure(description))


def rows_of(description):
    """Its operators by name, as they are written."""
    return {one["name"]: one for one in description.stages[0].arguments["operators"]}


def spelled_out(description):
    """All of a description, with windows in numbers for each axis and side: 3 and [3, 3] are one kernel."""
    windows = {
        name: {"kernel": _two(one.get("kernel", 1)), "padding": _four(one.get("padding", 0))}
        for name, one in rows_of(description).items()
    }
    rows = {name: one | windows[name] for name, one in rows_of(description).items()}
    return description.model_dump(exclude={"stages"}), rows


def counted_macs(description):
    """Multiply-accumulates by hand: shapes are worked out anew, from nothing but the rows."""
    image = description.input
    shapes, macs = {"input": (image.channels, image.height, image.width)}, 0
    for one in rows_of(description).values():
        read = [shapes[name] for name in one["inputs"]]
        channels, height, width = read[0] if read else (0, 0, 0)
        match one["operator"]:
            case "conv":
                (ky, kx), (sy, sx) = (_two(one.get(key, 1)) for key in ("kernel", "stride"))
                top, bottom, left, right = _four(one.get("padding", 0))
                height = (height + top + bottom - ky) // sy + 1
                width = (width + left + right - kx) // sx + 1
                macs += one["out_channels"] * channels // one.get("groups", 1) * ky * kx * height * width
                channels = one["out_channels"]
            case "fully_connected":
                macs += one["out_features"] * channels * height * width
                channels, height, width = one["out_features"], 1, 1
            case "max_pool" | "average_pool":
                (ky, kx), (sy, sx) = (_two(one.get(key, 1)) for key in ("kernel", "stride"))
                height, width = (height - ky) // sy + 1, (width - kx) // sx + 1
            case "global_average_pool":
                height = width = 1
            case "resize":
                height, width = one["size"]
            case "concat" if one.get("axis") == "height":
                height = sum(shape[1] for shape in read)
            case "concat":
                channels = sum(shape[0] for shape in read)
            case "conv_transpose":  # whose windows do not overlap
                macs += one["out_channels"] * channels * one["kernel"] ** 2 * height * width
                channels, height, width = one["out_channels"], height * one["kernel"], width * one["kernel"]
            case "add" | "maximum":
                height, width = (max(shape[axis] for shape in read) for axis in (1, 2))
            case "slice":
                extents = {"height": height, "width": width} | {one["axis"]: one["size"]}
                height, width = extents["height"], extents["width"]
            case "reduce":
                channels = 1
            case "constant":
                channels, height, width = one["channels"], 1, 1
            case "channel_slice":
                channels = one["channels"]
        shapes[one["name"]] = (channels, height, width)
    return macs


def _two(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def _four(value):
    if isinstance(value, int):
        return (value,) * 4
    return (value[0], value[0], value[1], value[1]) if len(value) == 2 else tuple(value)


CHANNELS = (2, 3, 4, 6, 8)
JOINING = ("add", "maximum", "multiply", "concat")
PLAIN = ("conv", "depthwise", *JOINING, "activation", "batch_norm", "max_pool", "gate")
ALL = (
    *PLAIN,
    "prelu",
    "channel_slice",
    "channel_shuffle",
    "resize",
    "whole_pool",
    "shared",
    "wide_depthwise",
)
ALL += (
    "tall",
    "conv_transpose",
    "layer_norm",
    "group_norm",
    "maximum",
    "every_second",
    "part",
    "constant",
    "reduce",
)
"""Among them two that no change follows: a part of a plane, and sums over channels."""


@st.composite
def graphs(draw, operators=ALL, most=9):
    """Networks of a few operators that read any of those before, and a classifier."""
    channels, side = draw(st.sampled_from((2, 3))), draw(st.sampled_from((4, 6, 8)))
    rows, shapes = [], {"input": (channels, side, side)}
    for index in range(draw(st.integers(2, most))):
        kind = draw(st.sampled_from(operators))
        one = _row(draw, f"r{index}", kind, shapes)
        try:
            found = published(described([*rows, one], channels, side))
        except NetworkError:
            continue  # it does not fit what it reads
        rows.append(one)
        output = found[one["name"]].operator.output
        shapes[one["name"]] = (output.channels, output.height, output.width)
    last = draw(st.sampled_from(sorted(shapes)))
    rows.append(row("classes", "fully_connected", last, out_features=draw(st.integers(1, 4))))
    return described(rows, channels, side)


def _row(draw, name, kind, shapes):
    source = draw(st.sampled_from(list(shapes)))
    channels, height, width = shapes[source]
    if kind in JOINING:
        alike = [other for other, shape in shapes.items() if shape[1:] == (height, width)]
        if kind != "concat":
            alike = [other for other in alike if shapes[other][0] == channels]
        return row(name, kind, source, draw(st.sampled_from(alike)))
    if kind == "constant":
        return row(name, kind, channels=draw(st.sampled_from(CHANNELS)))
    if kind == "tall":
        alike = [other for other, shape in shapes.items() if (shape[0], shape[2]) == (channels, width)]
        return row(name, "concat", source, draw(st.sampled_from(alike)), axis="height")
    if kind == "gate":
        pooled = [other for other, shape in shapes.items() if shape == (channels, 1, 1)]
        return row(name, "multiply", source, draw(st.sampled_from(pooled or [source])))
    if kind == "conv":
        side = draw(st.sampled_from((1, 3, 5)))
        window = {"kernel": side, "padding": side // 2 if draw(st.booleans()) else [side // 2] * 4}
        window["stride"] = draw(st.sampled_from((1, 1, 2)))
        groups = draw(st.sampled_from((1, 1, 2, 3)))
        out = draw(st.sampled_from(CHANNELS))
        given = {key: value for key, value in window.items() if value not in (1 if key != "padding" else 0,)}
        return row(
            name, "conv", source, out_channels=out, **given, **({"groups": groups} if groups > 1 else {})
        )
    if kind == "shared":
        return row(name, "batch_norm", source, shared=["scale"])
    arguments = {
        "depthwise": {"out_channels": channels, "kernel": 3, "padding": 1, "groups": channels},
        "wide_depthwise": {
            "out_channels": 2 * channels,
            "kernel": [3, 1],
            "padding": [1, 0],
            "groups": channels,
        },
        "activation": {"function": "relu"},
        "prelu": {"function": "leaky_relu", "slopes": draw(st.sampled_from((1, channels)))},
        "batch_norm": {},
        "max_pool": {"kernel": 2, "stride": 2},
        "whole_pool": {"kernel": [height, width]},
        "channel_slice": {
            "first": draw(st.sampled_from((0, *(shape[0] for shape in shapes.values())))),
            "channels": draw(st.sampled_from([shape[0] for shape in shapes.values()])),
        },
        "channel_shuffle": {"groups": 2},
        "conv_transpose": {"out_channels": draw(st.sampled_from(CHANNELS)), "kernel": 2, "stride": 2},
        "layer_norm": {"scales": channels} if draw(st.booleans()) else {},
        "group_norm": {"groups": 2},
        "every_second": {"axis": "width", "size": (width + 1) // 2, "step": 2},
        "part": {"axis": "height", "first": 1, "size": 2},
        "reduce": {"axes": ["channels"], "function": "sum"},
        "resize": {"size": [2 * height, 2 * width], "interpolation": "nearest"},
    }
    operators = {
        "wide_depthwise": "conv",
        "depthwise": "conv",
        "prelu": "activation",
        "whole_pool": "average_pool",
        "every_second": "slice",
        "part": "slice",
    }
    return row(name, operators.get(kind, kind), source, **arguments[kind])
