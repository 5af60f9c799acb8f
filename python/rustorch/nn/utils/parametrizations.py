"""Ready-made parametrizations: weight normalization, spectral normalization, orthogonal matrices."""

from __future__ import annotations

from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.nn.modules.module import Module
from rustorch.nn.utils._power_iteration import as_matrix, iterate, sigma, unit
from rustorch.nn.utils._weight_norm import norm_except_dim, scaled_direction
from rustorch.nn.utils.parametrize import register_parametrization
from rustorch.nn.utils.spectral_norm import output_dim

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


def _tensor_of(module: Module, name: str) -> Tensor:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return scaled_direction(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Makes a parameter the product of a magnitude, ``original0``, and a direction, ``original1``.

    Method: Salimans and Kingma, 2016. The norm is taken for each index of ``dim``, or over everything with
    None. Loads checkpoints of ``nn.utils.weight_norm`` too.
    As ``torch.nn.utils.parametrizations.weight_norm``.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(20, 40))
    >>> layer.parametrizations.weight.original0.shape
    rustorch.Size([40, 1])
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(state: dict[str, Any], prefix: str, *rest: Any) -> None:
        old = [f"{prefix}{name}_g", f"{prefix}{name}_v"]
        if all(key in state for key in old):
            for i, key in enumerate(old):
                state[f"{prefix}parametrizations.{name}.original{i}"] = state.pop(key)

    module._register_load_state_dict_pre_hook(rename)
    return module


class _SpectralNorm(Module):
    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        if not -weight.dim() <= dim < weight.dim():
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{weight.dim()}, {weight.dim() - 1}] "
                f"but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim
        self.eps = eps
        if weight.dim() > 1:
            self.n_power_iterations = n_power_iterations
            with rt.no_grad():
                matrix = as_matrix(weight, dim)
                u, v = (unit(matrix.new_empty(n).normal_(0, 1), eps) for n in matrix.shape)
                self.register_buffer("_u", u)
                self.register_buffer("_v", v)
                # Near enough that the first evaluations in eval mode are right.
                iterate(matrix, u, v, 15, eps)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.dim() == 1:
            return unit(weight, self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            iterate(matrix, self._u, self._v, self.n_power_iterations, self.eps)
        return weight / sigma(matrix, self._u, self._v)

    def right_inverse(self, value: Tensor) -> Tensor:
        # What has a norm of one comes back; there is no telling more.
        return value


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Divides a parameter by its largest singular value whenever it is read (Miyato et al., 2018).

    In training mode each reading takes ``n_power_iterations`` steps of power iteration. The weight is taken
    as a matrix whose rows are ``dim`` (by default the output channels). As
    ``torch.nn.utils.parametrizations.spectral_norm``.

    >>> layer = nn.utils.parametrizations.spectral_norm(nn.Linear(20, 40), n_power_iterations=30)
    >>> bool(rt.linalg.matrix_norm(layer.weight, 2) < 1.01)
    True
    """
    weight = _tensor_of(module, name)
    rows = output_dim(module) if dim is None else dim
    register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, rows, eps))
    return module


def _orthogonalized(a: Tensor) -> Tensor:
    """The orthogonal factor of a tall matrix whose triangular factor has a positive diagonal."""
    q, r = rt.linalg.qr(a)
    return q * rt.sgn(r.diagonal(dim1=-2, dim2=-1)).unsqueeze(-2)


class _Orthogonal(Module):
    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool = True) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        wide = x.shape[-2] < x.shape[-1]
        x = x.mT if wide else x
        n, k = x.shape[-2:]
        if self.orthogonal_map == "householder":
            a = x.tril(-1)
            tau = 2.0 / (1.0 + (a * a).sum(-2))
            # The reflectors leave the signs of the columns open; they are kept on the diagonal.
            q = rt.linalg.householder_product(a, tau)
            q = q * x.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)
        else:
            lower = x.tril()
            if n != k:
                lower = rt.cat([lower, lower.new_zeros(*x.shape[:-1], n - k)], -1)
            skew = lower - lower.mH
            if self.orthogonal_map == "matrix_exp":
                q = rt.linalg.matrix_exp(skew)
            else:
                eye = rt.eye(n, dtype=skew.dtype, device=skew.device)
                q = rt.linalg.solve(eye - 0.5 * skew, eye + 0.5 * skew)
            q = q[..., :k]
        if getattr(self, "base", None) is not None:
            q = self.base @ q
        return q.mT if wide else q

    def right_inverse(self, q: Tensor) -> Tensor:
        if q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape "
                f"{q.shape}."
            )
        with rt.no_grad():
            wide = q.shape[-2] < q.shape[-1]
            tall = q.mT if wide else q
            if not hasattr(self, "base"):
                inverse = self._reflectors(tall)
                return inverse.mT if wide else inverse
            n, k = tall.shape[-2:]
            # The tensor is moved to the base, from which the trained one begins at the identity.
            eye = rt.eye(k, dtype=q.dtype, device=q.device)
            near = 10.0 * n * rt.finfo(q.dtype).eps
            if n == k and rt.allclose(tall.mH @ tall, eye.expand(*tall.shape[:-2], k, k), atol=near):
                self.base = tall.clone()
            else:
                more = rt.randn(*tall.shape[:-1], n - k, dtype=q.dtype, device=q.device)
                self.base = _orthogonalized(rt.cat([tall, more], -1))
            start = rt.zeros_like(q)
            start.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
            return start

    def _reflectors(self, tall: Tensor) -> Tensor:
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                "use_trivialization=False."
            )
        a, tau = rt.geqrf(tall)
        diagonal = a.diagonal(dim1=-2, dim2=-1)
        signs = diagonal.sign()
        diagonal.copy_(rt.where(tau == 0.0, -signs, signs))
        return a


def orthogonal(
    module: Module,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Module:
    """Keeps the columns of a matrix (its rows, if it is wide) orthonormal; a batch of matrices likewise.

    ``orthogonal_map`` is ``"matrix_exp"`` (the default for square or complex matrices), ``"cayley"`` or
    ``"householder"`` (the default otherwise). With ``use_trivialization`` a fixed orthogonal matrix is kept
    beside the trained one (Lezcano-Casado, 2019). As ``torch.nn.utils.parametrizations.orthogonal``.

    >>> w = nn.utils.parametrizations.orthogonal(nn.Linear(20, 40)).weight
    >>> bool(rt.dist(w.T @ w, rt.eye(20)) < 1e-4)
    True
    """
    weight = _tensor_of(module, name)
    if weight.dim() < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.dim()} dimensions."
        )
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    orth = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    register_parametrization(module, name, orth, unsafe=True)
    return module
