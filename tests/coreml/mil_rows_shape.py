"""Rows: joining, splitting, filling, sorting, slicing, permuting, gathering and scattering."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .mil_row import Table, integers, normal

table = Table()
row = table.add

X = normal(2, 3, 4)
INT = integers(-9, 9, 2, 3)
IMAGE = normal(2, 8, 4, 6)
f32, i32 = np.float32, np.int32


def array(values, dtype=f32):
    return np.array(values, dtype)


# Joining and splitting.
row("concat", lambda values, axis: np.concatenate(values, axis), values=[X, X[:, :1]], axis=1)
row("concat", lambda values, axis: np.array([2, 3], f32), values=[f32(2), f32(3)], axis=0)
row(
    "concat",
    lambda values, axis, interleave: np.stack(values, 2).reshape(2, 6, 4),
    values=[X, -X],
    axis=1,
    interleave=True,
)
row("stack", lambda values, axis: np.stack(values, axis), values=[X, -X], axis=-1)
row("split", lambda x, num_splits, axis: tuple(np.split(x, 2, 2)), x=X, num_splits=2, axis=2)
row("split", lambda x, split_sizes, axis: (x[:, :1], x[:, 1:]), x=X, split_sizes=[1, 2], axis=-2)
row("tile", lambda x, reps: np.tile(x, reps), x=X, reps=[1, 2, 3])
# Filling.
row("fill", lambda shape, value: np.full(shape, value, f32), shape=[2, 3], value=1.5)
row("fill", lambda shape, value: np.full(shape, value, i32), shape=[2, 0], value=7)
row("fill_like", lambda ref_tensor, value: np.full(ref_tensor.shape, value, i32), ref_tensor=X, value=3)
row("range_1d", lambda start, end, step: np.arange(start, end, step, i32), start=1, end=9, step=3)
row("range_1d", lambda start, end, step: np.arange(start, end, step, f32), start=5.0, end=0.0, step=-0.75)
row("range_1d", lambda start, end, step: np.zeros(0, i32), start=1, end=0, step=1)
row("shape", lambda x: array(x.shape, i32), x=X)
row(
    "one_hot",
    lambda indices, one_hot_vector_size: np.eye(4, dtype=i32)[indices],
    indices=integers(0, 4, 2, 3),
    one_hot_vector_size=4,
)
row(
    "one_hot",
    lambda indices, one_hot_vector_size, axis, on_value, off_value: array([[2, -1], [-1, -1], [-1, 2]]),
    indices=array([0, 2], i32),
    one_hot_vector_size=3,
    axis=0,
    on_value=2.0,
    off_value=-1.0,
)
row("non_zero", lambda x: np.argwhere(x).astype(i32), x=array([[0, 1], [2, 0]]))
row("flatten2d", lambda x: x.reshape(2, 12), x=X)
row("flatten2d", lambda x, axis: x.reshape(6, 4), x=X, axis=-1)
row("band_part", lambda x: x, x=X)
row("band_part", lambda x, lower, upper: np.tril(np.triu(x, -1), 2), x=X, lower=1, upper=2)
row("band_part", lambda x, lower, upper: np.triu(x), x=X, lower=0, upper=-1)
# Padding.
row("pad", lambda x, pad: np.pad(x, ((0, 0), (1, 2), (3, 0))), x=X, pad=[0, 0, 1, 2, 3, 0])
row(
    "pad",
    lambda x, pad, mode, constant_val: np.pad(x, ((0, 0), (1, 1), (2, 0)), constant_values=-1.5),
    x=X,
    pad=[1, 1, 2, 0],
    mode="constant",
    constant_val=-1.5,
)
row(
    "pad",
    lambda x, pad, mode: np.pad(x, ((0, 0), (2, 1), (3, 3)), mode="reflect"),
    x=X,
    pad=[2, 1, 3, 3],
    mode="reflect",
)
row(
    "pad",
    lambda x, pad, mode: np.pad(x, ((1, 0), (5, 1), (0, 7)), mode="edge"),
    x=X,
    pad=[1, 0, 5, 1, 0, 7],
    mode="replicate",
)


# Sorting.
def top(x, k=1, axis=-1, ascending=False, **_):
    order = np.argsort(x if ascending else -x, axis, kind="stable")
    order = np.take(order, np.arange(x.shape[axis] if k == -1 else k), axis)
    return np.take_along_axis(x, order, axis), order.astype(i32)


row("topk", top, x=X, half=False)
row("topk", top, x=X, k=2, axis=1, ascending=True, half=False)
row("topk", top, x=X, k=-1, axis=2, sort=True, half=False)
row("topk", lambda x, k, return_indices: top(x, k)[0], x=X, k=2, return_indices=False, half=False)
row("argsort", lambda x: np.argsort(-x, -1, kind="stable").astype(i32), x=X, half=False)
row(
    "argsort",
    lambda x, axis, ascending: np.argsort(x, 0).astype(i32),
    x=X,
    axis=0,
    ascending=True,
    half=False,
)

# Shapes.
row("reshape", lambda x, shape: x.reshape(shape), x=X, shape=[4, -1])
row("reshape", lambda x, shape: x.reshape(2, 3, 2, 2), x=X[:, :, None], shape=[0, 3, 2, -1], half=False)
row("reshape", lambda x, shape: x.reshape(1, 2, 3, 4), x=X, shape=[1, 0, 0, 0])
row("reshape", lambda x, shape: x.reshape(shape), x=X[:0], shape=[0, 5])
row(
    "reshape_like",
    lambda x, **_: x.reshape(3, 4, 2),
    x=X,
    ref_tensors=[normal(3, 4), normal(5, 2)],
    begins=[0, 1],
    ends=[2, 0],
    end_masks=[False, True],
)
row("transpose", lambda x, perm: np.transpose(x, perm), x=X, perm=[2, -3, 1])
row("expand_dims", lambda x, axes: x[None, :, :, :, None], x=X, axes=[0, -1])
row("squeeze", lambda x: x[0], x=X[:1])
row("squeeze", lambda x, axes: x[:, :, 0], x=X[:1, :, :1], axes=[-1])
row("reverse", lambda x: x[::-1, ::-1, ::-1], x=X)
row("reverse", lambda x, axes: x[:, ::-1], x=X, axes=[1])
row("reverse", lambda x, axes: x[:, ::-1], x=INT, axes=[-1])


def turned(x, lengths, seq_axis=0, batch_axis=0):
    y = np.moveaxis(x.copy(), (batch_axis, seq_axis), (0, 1))
    for sample, length in zip(y, lengths):
        sample[:length] = sample[:length][::-1].copy()
    return np.moveaxis(y, (0, 1), (batch_axis, seq_axis))


row("reverse_sequence", turned, x=X, lengths=array([2, 3], i32), seq_axis=1, batch_axis=0)
row("reverse_sequence", turned, x=X, lengths=array([0, 1, 2, 2], i32)[:3], seq_axis=2, batch_axis=1)
row(
    "sliding_windows",
    lambda x, axis, size, stride: np.moveaxis(sliding_window_view(x, 2, 2)[:, :, ::2], 3, 3),
    x=X,
    axis=2,
    size=2,
    stride=2,
)
row(
    "sliding_windows", lambda x, axis, size: sliding_window_view(x, 2, 1).swapaxes(2, 3), x=X, axis=-2, size=2
)


# Slices.
def window(x, **_):
    return x[1:, -3:-1, ::2]


ALL = {"begin": [1, -3, 0], "end": [2, -1, 9], "stride": [1, 1, 2]}
row("slice_by_index", window, x=X, **ALL)
row("slice_by_index", lambda x, begin, end: x[0:1, 1:3, 0:4], x=X, begin=[0, 1, 0], end=[1, 3, 4])
row(
    "slice_by_index",
    lambda x, **_: x[:, 1, 1:],
    x=X,
    begin=[7, 1, 1],
    end=[0, 0, 0],
    begin_mask=[True, False, False],
    end_mask=[True, False, True],
    squeeze_mask=[False, True, False],
)
row(
    "slice_by_index",
    lambda x, **_: x[::-1, -1, 3:0:-2],
    x=X,
    begin=[0, -1, 3],
    end=[0, 0, 0],
    stride=[-1, 1, -2],
    begin_mask=[True, False, False],
    end_mask=[True, False, False],
    squeeze_mask=[False, True, False],
)
row("slice_by_index", lambda x, **_: x[:, 2:1:1, :], x=X, begin=[0, 2, 0], end=[2, 1, 4])
row("slice_by_size", lambda x, begin, size: x[1:2, 0:2, 1:], x=X, begin=[1, 0, -3], size=[1, 2, -1])


def updated(x, update, **_):
    y = x.copy()
    window(y)[...] = update
    return y


row("slice_update", updated, x=X, update=normal(1, 2, 2), **ALL)


def updated_back(x, update, **_):
    y = x.copy()
    y[1, :, ::-1] = update
    return y


row(
    "slice_update",
    updated_back,
    x=X,
    update=normal(3, 4),
    begin=[1, 0, 0],
    end=[0, 0, 0],
    stride=[1, 1, -1],
    begin_mask=[False, True, True],
    end_mask=[False, True, True],
    squeeze_mask=[True, False, False],
)


# Space, depth, batch.
def depth_to_space(x, block_size):
    n, c, h, w = x.shape
    y = np.zeros((n, c // block_size**2, h * block_size, w * block_size), x.dtype)
    for k in range(c):
        block, channel = divmod(k, c // block_size**2)
        i, j = divmod(block, block_size)
        y[:, channel, i::block_size, j::block_size] = x[:, k]
    return y


def pixel_shuffle(x, upscale_factor):
    r = upscale_factor
    n, c, h, w = x.shape
    y = np.zeros((n, c // r**2, h * r, w * r), x.dtype)
    for k in range(c):
        channel, block = divmod(k, r**2)
        y[:, channel, block // r :: r, block % r :: r] = x[:, k]
    return y


row("depth_to_space", depth_to_space, x=IMAGE, block_size=2)
BIG = normal(1, 2, 4, 6)
row(
    "space_to_depth",
    lambda x, block_size: np.concatenate([x[:, :, i::2, j::2] for i in range(2) for j in range(2)], 1),
    x=BIG,
    block_size=2,
)
row("pixel_shuffle", pixel_shuffle, x=IMAGE, upscale_factor=2)
row(
    "pixel_unshuffle",
    lambda x, downscale_factor: np.stack(
        [x[:, :, i::2, j::2] for i in range(2) for j in range(2)], 2
    ).reshape(1, 8, 2, 3),
    x=BIG,
    downscale_factor=2,
)
row(
    "space_to_batch",
    lambda x, **_: np.concatenate(
        [np.pad(x, ((0, 0), (0, 0), (1, 1), (0, 2)))[:, :, i::2, j::2] for i in range(2) for j in range(2)]
    ),
    x=BIG,
    block_shape=[2, 2],
    paddings=np.array([[1, 1], [0, 2]], i32),
)


def batch_to_space(x, **_):
    y = np.zeros((1, 2, 8, 12), x.dtype)
    for k in range(4):
        y[:, :, k // 2 :: 2, k % 2 :: 2] = x[k : k + 1]
    return y[:, :, 1:7, 2:]


row(
    "batch_to_space",
    batch_to_space,
    x=normal(4, 2, 4, 6),
    block_shape=[2, 2],
    crops=np.array([[1, 1], [2, 0]], i32),
)

# Gathering.
INDEX = array([[0, -1], [2, 1]], i32)
row("gather", lambda x, indices: x[indices], x=X, indices=array([1, 0, -1], i32))
row("gather", lambda x, indices, axis: np.take(x, indices, 1), x=X, indices=INDEX, axis=1)
row("gather", lambda x, indices, axis: x[:, :, 2], x=X, indices=np.int32(2), axis=-1)
row(
    "gather",
    lambda x, indices, axis, batch_dims: np.stack([np.take(a, i, 1) for a, i in zip(x, indices)]),
    x=X,
    indices=INDEX,
    axis=2,
    batch_dims=1,
)
row("gather", lambda x, indices: x[indices], x=INT, indices=array([1], i32), fixed=("indices",))
ALONG = integers(-3, 3, 2, 5, 4)
row(
    "gather_along_axis",
    lambda x, indices, axis: np.take_along_axis(x, indices, 1),
    x=X,
    indices=ALONG,
    axis=1,
)
PLACES = array([[0, 1], [1, -1], [0, 0]], i32)
row("gather_nd", lambda x, indices: x[tuple(indices.T)], x=X, indices=PLACES)
row(
    "gather_nd",
    lambda x, indices, batch_dims: np.stack([a[tuple(i.T)] for a, i in zip(x, indices)]),
    x=X,
    indices=integers(-3, 3, 2, 5, 2),
    batch_dims=1,
)

# Scattering: one oracle, ufuncs at the places.
UFUNC = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "max": np.maximum,
    "min": np.minimum,
}


def written(data, where, updates, mode):
    y = data.copy()
    if mode == "update":
        y[where] = updates
    else:
        UFUNC[mode].at(y, where, updates)
    return y


TWICE = array([2, 0, 2], i32)
for mode in UFUNC:
    row(
        "scatter",
        lambda data, indices, updates, axis, mode: written(data, (slice(None), indices), updates, mode),
        data=X,
        indices=TWICE,
        updates=normal(2, 3, 4),
        axis=1,
        mode=mode,
        rtol=2e-5,
    )
    row(
        "scatter_nd",
        lambda data, indices, updates, mode: written(data, tuple(indices.T), updates, mode),
        data=X,
        indices=array([[0, 1], [1, 2], [0, 1]], i32),
        updates=normal(3, 4),
        mode=mode,
        rtol=2e-5,
    )
    row(
        "scatter_along_axis",
        lambda data, indices, updates, axis, mode: written(
            data, (np.arange(2)[:, None, None], indices, np.arange(4)), updates, mode
        ),
        data=X,
        indices=integers(-3, 3, 2, 5, 4),
        updates=normal(2, 5, 4) + f32(0.2),
        axis=1,
        mode=mode,
        rtol=2e-4,
    )
ONCE = array([2, -3], i32)
row(
    "scatter",
    lambda data, indices, updates, axis, mode: written(data, (slice(None), indices), updates, mode),
    data=X,
    indices=ONCE,
    updates=normal(2, 2, 4),
    axis=-2,
    mode="update",
)
row(
    "scatter_nd",
    lambda data, indices, updates, mode: written(data, tuple(indices.T), updates, mode),
    data=INT,
    indices=array([[0, 1], [-1, 2]], i32),
    updates=array([70, 80], i32),
    mode="update",
)
row(
    "scatter_along_axis",
    lambda data, indices, updates, axis, mode: written(data, (indices, np.arange(3)), updates, mode),
    data=INT,
    indices=array([[1, 0, -1]], i32),
    updates=array([[70, 80, 90]], i32),
    axis=0,
    mode="update",
)
row(
    "scatter",
    lambda data, indices, updates: written(data, indices, updates, "add"),
    data=INT,
    indices=array([1, 1], i32),
    updates=array([[1, 2, 3], [4, 5, 6]], i32),
)
