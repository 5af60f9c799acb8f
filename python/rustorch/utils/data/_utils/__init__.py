"""Parts of the data loader."""

from rustorch.utils.data._utils import collate

__all__ = ["collate"]
