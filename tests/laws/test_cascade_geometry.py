"""Stripes of any chain: all rows once, and windows as large as the most rows that are alive."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.hardware import Precision
from accelsim.mapping.tiling import row_axis
from accelsim.network.layer import FusedOperator, Layer, Pooling
from accelsim.planning.cascades.cascade import Cascade, Stripes, may_cascade, stripes
from accelsim.planning.tensors import LayerUse, NetworkTensors, Tensor

COLUMNS = 3


@st.composite
def a_chain(draw: st.DrawFn) -> tuple[tuple[Layer, ...], NetworkTensors]:
    """Layers one behind the other, some with strides, dilation, fused pooling or a residual, some sums of two
    tensors.
    """
    rows, channels = draw(st.integers(3, 24)), 2
    layers: list[Layer] = []
    uses: list[LayerUse] = []
    tensors = [Tensor("image", rows * COLUMNS * channels, is_image=True)]
    shapes = [rows]
    for number in range(draw(st.integers(1, 5))):
        others = [i for i, shape in enumerate(shapes[:-1]) if shape == rows]
        if others and draw(st.integers(0, 2)) == 0:
            size = rows * COLUMNS * channels
            layers.append(
                Layer(
                    f"add{number}", "add", G=channels, K=1, C=1, OY=rows, OX=COLUMNS, IY=rows, IX=COLUMNS,
                    operands=2, vector_ops=size,
                )
            )  # fmt: skip
            uses.append(LayerUse((draw(st.sampled_from(others)), number), (), number + 1))
            tensors.append(Tensor(f"add{number}", size))
            shapes.append(rows)
            continue
        kernel, stride, dilation = draw(
            st.sampled_from([(1, 1, 1), (3, 1, 1), (3, 2, 1), (1, 2, 1), (3, 1, 2)])
        )
        reach = (kernel - 1) * dilation + 1
        pad = draw(st.integers(0, reach - 1))
        below = draw(st.integers(0, reach - 1))
        outputs = (rows + pad + below - reach) // stride + 1
        if outputs < 1:
            break
        layer = Layer(
            f"conv{number}", "conv", K=channels, C=channels, OY=outputs, OX=COLUMNS, FY=kernel, IY=rows,
            IX=COLUMNS, stride_y=stride, dilation_y=dilation, pad_top=pad,
        )  # fmt: skip
        residuals: tuple[int, ...] = ()
        may_add = [i for i, shape in enumerate(shapes) if shape == outputs]
        if may_add and draw(st.booleans()):  # around several layers, or around this one alone
            residuals = (draw(st.sampled_from(may_add)),)
            elements = layer.output_elements
            layer = replace(layer, fused=(FusedOperator("add", "add", elements, elements),))
        stored = outputs
        if outputs >= 3 and draw(st.integers(0, 3)) == 0:
            window, step = draw(st.sampled_from([(2, 2), (3, 2), (3, 1)]))
            pad = draw(st.integers(0, 1))
            stored = (outputs + pad - window) // step + 1
            layer = replace(
                layer, pooling=Pooling("pool", "max_pool", stored, COLUMNS, window, 1, step, 1, pad_top=pad)
            )
        uses.append(LayerUse((number,), residuals, number + 1))
        layers.append(layer)
        tensors.append(Tensor(layer.name, stored * COLUMNS * channels))
        shapes.append(stored)
        rows = stored
    if not layers:
        layers = [Layer("conv0", "conv", K=2, C=2, OY=rows, OX=COLUMNS, IY=rows, IX=COLUMNS)]
        uses, tensors = [LayerUse((0,), (), 1)], [*tensors, Tensor("conv0", tensors[0].size_bytes)]
    tensors[-1] = tensors[-1]._replace(is_result=True)
    return tuple(layers), NetworkTensors(tuple(tensors), tuple(uses))


def made(chain: tuple[tuple[Layer, ...], NetworkTensors], stripe_rows: int) -> Stripes | None:
    layers, network = chain
    if may_cascade(layers, network, 0, len(layers)) is not None:
        return None
    return stripes(layers, network, Cascade(0, len(layers), stripe_rows), Precision(activations_bits=8))


@given(chain=a_chain(), stripe_rows=st.integers(1, 9))
@settings(max_examples=200)
def test_every_row_of_every_layer_is_computed_once(
    chain: tuple[tuple[Layer, ...], NetworkTensors], stripe_rows: int
) -> None:
    found = made(chain, stripe_rows)
    if found is None:
        return
    for step, layer in enumerate(chain[0]):
        computed = [row for entry in found.entries if entry.step == step for row in range(*entry.outputs)]
        stored = [row for entry in found.entries if entry.step == step for row in range(*entry.stored)]
        of_step = [entry.layer for entry in found.entries if entry.step == step]
        assert computed == list(range(layer.OY))
        assert stored == list(range(layer.pooling.OY if layer.pooling else layer.OY))
        assert sum(part.macs for part in of_step) == layer.macs
        assert sum(part.residual_elements for part in of_step) == layer.residual_elements
        assert sum(part.stored_elements for part in of_step) == layer.stored_elements


@given(chain=a_chain(), stripe_rows=st.integers(1, 9))
@settings(max_examples=200)
def test_windows_are_the_most_rows_alive_and_all_that_is_read_is_there(
    chain: tuple[tuple[Layer, ...], NetworkTensors], stripe_rows: int
) -> None:
    """Row by row: who reads a row, and when for the last time."""
    found = made(chain, stripe_rows)
    if found is None:
        return
    layers, network = chain
    inside = [use.output for use in network.uses[:-1]]
    assert [window.tensor for window in found.windows] == inside
    for window in found.windows:
        last_read: dict[int, int] = {}
        written: dict[int, int] = {}
        for number, entry in enumerate(found.entries):
            use = network.uses[entry.step]
            if use.output == window.tensor:
                written |= dict.fromkeys(range(*entry.stored), number)
            if window.tensor in use.inputs:
                read = read_rows(layers[entry.step], entry.outputs)
                assert (min(read), max(read) + 1) == entry.inputs
                assert all(row in written for row in read)
                last_read |= dict.fromkeys(read, number)
            if window.tensor in use.residuals:
                assert all(row in written for row in range(*entry.outputs))
                last_read |= dict.fromkeys(range(*entry.outputs), number)
        alive = [
            [row for row in written if written[row] <= number <= last_read.get(row, written[row])]
            for number in range(len(found.entries))
        ]
        spread = max(max(rows) - min(rows) + 1 for rows in alive if rows)
        # Rows of windows are in one piece: what nobody reads between two that are alive lies there too.
        assert spread <= window.rows <= spread + max(layer.stride_y for layer in layers) - 1
        for rows in alive:
            assert len({row % window.rows for row in rows}) == len(rows)


def read_rows(layer: Layer, outputs: tuple[int, int]) -> list[int]:
    """By the definition of a convolution: row o reads o x stride - pad + tap x dilation."""
    first = row_axis(layer)
    touched = {
        row * layer.stride_y - layer.pad_top + tap * layer.dilation_y
        for row in range(*outputs)
        for tap in range(layer.FY)
    }
    lowest, highest = max(0, min(touched)), min(layer.IY - 1, max(touched))
    assert first.inputs == layer.IY
    return list(range(lowest, highest + 1))


@given(chain=a_chain(), stripe_rows=st.integers(1, 9))
def test_a_stripe_reads_and_stores_as_the_rows_of_its_layer_do(
    chain: tuple[tuple[Layer, ...], NetworkTensors], stripe_rows: int
) -> None:
    found = made(chain, stripe_rows)
    if found is None:
        return
    for entry in found.entries:
        axis = row_axis(entry.layer)
        assert axis.input_range(0, axis.outputs) == (0, entry.inputs.size)
        assert axis.result_range(0, axis.outputs) == (0, entry.stored.size)
        assert len(found.forms) <= 5 * len(chain[0])


@given(chain=a_chain())
def test_one_stripe_is_the_layers_as_they_are(chain: tuple[tuple[Layer, ...], NetworkTensors]) -> None:
    found = made(chain, stripe_rows=100)
    if found is None:
        return
    assert [entry.layer for entry in found.entries] == [
        replace(layer, IY=row_axis(layer).inputs_end(layer.OY)) for layer in chain[0]
    ]
