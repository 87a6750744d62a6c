"""The direct computation: what a layer is by its definition, with no tiles, no steps and no machine.

Whole numbers throughout; what stands for a function that does not keep them whole is in functions.py.
"""

from typing import Any, Final

import numpy as np

from accelsim.network.layer import Layer, Pooling
from accelsim.verification.functions import Integers, element_function, is_pooling, keeps_largest
from accelsim.verification.tensors import Tensors, operand_counts

EXACT_IN_SINGLE: Final = 1 << 24
"""Whole numbers up to here are exact in single precision, which numpy multiplies fastest."""
LARGEST_PRODUCT: Final = 9


def number_type(products: int) -> type[Any]:
    """A type of numpy in which sums of so many products are exact."""
    return np.float32 if products * LARGEST_PRODUCT < EXACT_IN_SINGLE else np.float64


class Reference:
    """Outputs and results of a layer, computed where they are asked for."""

    def __init__(self, tensors: Tensors, *, whole: bool) -> None:
        """`whole` computes an image at once the first time that something of it is asked for."""
        self.layer = tensors.layer
        self.arrays = tensors.arrays
        self._whole = whole
        self._images: dict[int, Integers] = {}

    def outputs(self, image: int, g: slice, k: slice, y: slice, x: slice) -> Integers:
        """Complete outputs before a fused pooling: g x k x y x x."""
        if not self._whole:
            return self._outputs(image, g, k, y, x)
        if image not in self._images:
            layer = self.layer
            g_all, k_all, y_all, x_all = (
                slice(0, extent) for extent in (layer.G, layer.K, layer.OY, layer.OX)
            )
            self._images[image] = self._outputs(image, g_all, k_all, y_all, x_all)
        return np.asarray(self._images[image][g, k, y, x])

    def _outputs(self, image: int, g: slice, k: slice, y: slice, x: slice) -> Integers:
        layer = self.layer
        if layer.on_array:
            values = self._products(image, g, k, y, x)
            if layer.bias:
                values = values + self.arrays["offsets"][g, k, None, None]
        else:
            outside = -np.inf if keeps_largest(layer.operator) else 0
            under = self._under(image, g, y, x, outside)
            values = element_or_window(layer, under, self._own_factors(image, g))
        return self._fused(values, image, (g, k, y, x))

    def results(self, image: int, g: slice, k: slice, y: slice, x: slice) -> Integers:
        """What is stored: outputs, or a pooling's results."""
        pooling = self.layer.pooling
        if pooling is None:
            return self.outputs(image, g, k, y, x)
        rows = _window_range(y, pooling.stride_y, pooling.pad_top, pooling.FY, self.layer.OY)
        columns = _window_range(x, pooling.stride_x, pooling.pad_left, pooling.FX, self.layer.OX)
        values = self.outputs(image, g, k, rows, columns)
        return _pooled(values, pooling, (y, x), (rows.start, columns.start))

    def _products(self, image: int, g: slice, k: slice, y: slice, x: slice) -> Integers:
        """The convolution: for each group, a matrix product of its weights and the inputs under them."""
        layer = self.layer
        exact = number_type(layer.C * layer.FY * layer.FX)
        weights = self.arrays["weights"][g, k].astype(exact)
        inputs = self._under(image, g, y, x, 0)[0].astype(exact)
        shape = (*weights.shape[:2], *inputs.shape[-2:])
        words = layer.C * layer.FY * layer.FX
        products = weights.reshape(*shape[:2], words) @ inputs.reshape(shape[0], words, -1)
        return np.asarray(products.reshape(shape), dtype=np.float64)

    def _under(self, image: int, g: slice, y: slice, x: slice, outside: float) -> Integers:
        """The inputs that the taps of each output lie on, and `outside` where they lie on none.

        Returns:
            operands x g x C x FY x FX x y x x.
        """
        layer = self.layer
        taps = np.arange(layer.FY)[:, None], np.arange(layer.FX)[:, None]
        rows = np.arange(y.start, y.stop) * layer.stride_y - layer.pad_top + taps[0] * layer.dilation_y
        columns = np.arange(x.start, x.stop) * layer.stride_x - layer.pad_left + taps[1] * layer.dilation_x
        # rows is FY x y, columns is FX x x: of each tap at each output, the input that it lies on.
        row_exists = (rows >= 0) & (rows < layer.IY)
        column_exists = (columns >= 0) & (columns < layer.IX)
        rows, columns = np.where(row_exists, rows, 0), np.where(column_exists, columns, 0)
        inputs = self.arrays["inputs"][image, :, g]
        under = inputs[..., rows[:, None, :, None], columns[None, :, None, :]]
        exists = row_exists[:, None, :, None] & column_exists[None, :, None, :]
        return under if exists.all() else np.where(exists, under, outside)

    def _own_factors(self, image: int, g: slice) -> Integers:
        return self.arrays["factors"][image, g].astype(np.float64)

    def _fused(self, values: Integers, image: int, box: tuple[slice, slice, slice, slice]) -> Integers:
        """What the vector unit does to outputs, one operator after the other."""
        operand = factor = 0
        for operator in self.layer.fused:
            full, factors = operand_counts(self.layer, operator)
            residual = self.arrays["residual"][image, operand : operand + full][:, *box]
            gates = self.arrays["residual_factors"][image, *box[:2], factor : factor + factors]
            if full or factors:
                per_channel = gates.transpose(2, 0, 1)[..., None, None]
                for tensor in (*residual, *per_channel):
                    values = values * tensor if operator.operator == "multiply" else values + tensor
            else:
                values = element_function(operator.operator, values)
            operand, factor = operand + full, factor + factors
        return values


def element_or_window(layer: Layer, under: Integers, factors: Integers) -> Integers:
    """A layer of the vector unit: a window, operands put together, or a function of one element."""
    if is_pooling(layer.operator):
        axes = (1, 2, 3)
        windows = under[0].astype(np.float64)
        reduced = windows.max(axis=axes) if keeps_largest(layer.operator) else windows.sum(axis=axes)
        return np.asarray(reduced[:, None])
    operands = under[:, :, 0, 0, 0].astype(np.float64)
    values = operands[0]
    gates = [factors[:, index, None, None] for index in range(factors.shape[1])]
    for tensor in (*operands[1:], *gates):
        values = values * tensor if layer.operator == "multiply" else values + tensor
    if len(operands) == 1 and not gates:
        values = element_function(layer.operator, values)
    return np.asarray(values[:, None])


def _window_range(results: slice, stride: int, pad: int, window: int, outputs: int) -> slice:
    """The outputs under the windows of some results."""
    start = max(results.start * stride - pad, 0)
    return slice(start, max(start, min((results.stop - 1) * stride - pad + window, outputs)))


def _pooled(
    values: Integers, pooling: Pooling[int], results: tuple[slice, slice], first: tuple[int, int]
) -> Integers:
    """Each window by itself: the elements that it covers, the rest of it cut off."""
    reduce = np.max if keeps_largest(pooling.operator) else np.sum
    rows = [
        _covered(index, pooling.stride_y, pooling.pad_top, pooling.FY, first[0])
        for index in range(results[0].start, results[0].stop)
    ]
    columns = [
        _covered(index, pooling.stride_x, pooling.pad_left, pooling.FX, first[1])
        for index in range(results[1].start, results[1].stop)
    ]
    along_rows = [reduce(values[:, :, row], axis=2) for row in rows]
    by_row = np.stack(along_rows, axis=2) if rows else values[:, :, :0]
    along_columns = [reduce(by_row[..., column], axis=3) for column in columns]
    return np.stack(along_columns, axis=3) if columns else by_row[..., :0]


def _covered(result: int, stride: int, pad: int, window: int, first: int) -> slice:
    start = result * stride - pad
    return slice(max(start - first, 0), max(start + window - first, 0))
