"""Which engine runs an op, and why. `docs/routing.md` tells how it works.

`choose` decides: a pure function of the op, the dtype, the shapes, the layout, where the inputs live, and a
`Table`. The table is made of `DeviceThresholds` and of what the engines can do, and the same decision is made
from its compiled form, in C++, while ops are called.

>>> import rustorch as rt
>>> from rustorch.selector import DeviceThresholds, Table, choose
>>> table = Table.of(DeviceThresholds(), chain=("cuda", "cpu"))
>>> choose("add", rt.float32, [(4, 4)], residency="cpu", table=table).engine
'cpu'
>>> choose("mm", rt.float32, [(4096, 4096), (4096, 4096)], residency="cpu", table=table)
Choice(engine='cuda:0', reason='16777216 elements are worth moving there', preferred='cuda:0')
"""

from rustorch.selector._devices import DeviceInfo, devices
from rustorch.selector._log import RoutingEvent, RoutingLog, explain, record_routing
from rustorch.selector._machine import (
    default_chain,
    set_chain,
    set_thresholds,
    table,
    thresholds,
)
from rustorch.selector._modes import (
    Fallback,
    RoutingStats,
    get_default_device,
    get_routing,
    reset_routing_stats,
    routing,
    routing_stats,
    set_default_device,
    set_routing,
)
from rustorch.selector._table import Choice, EngineRule, OpRule, Table
from rustorch.selector._thresholds import DeviceThresholds

__all__ = [
    "Choice",
    "DeviceInfo",
    "DeviceThresholds",
    "EngineRule",
    "Fallback",
    "OpRule",
    "RoutingEvent",
    "RoutingLog",
    "RoutingStats",
    "Table",
    "choose",
    "default_chain",
    "devices",
    "explain",
    "get_default_device",
    "get_routing",
    "record_routing",
    "reset_routing_stats",
    "routing",
    "routing_stats",
    "set_chain",
    "set_default_device",
    "set_routing",
    "set_thresholds",
    "table",
    "thresholds",
]

from rustorch.selector._machine import choose
