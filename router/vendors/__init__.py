"""The vendors: one folder each, found by looking.

Design: adding a vendor is adding a folder whose package holds `VENDOR`; nothing else names it.
The import of this package runs no discovery; `vendors()` does, once.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from router.vendors.spec import Vendor

__all__ = ["vendors"]


@cache
def vendors() -> dict[str, Vendor]:
    """Return every vendor by its name, as in the configuration (`volcengine-rtc`)."""
    folders = sorted(module.name for module in iter_modules(__path__) if module.ispkg)
    found: list[Vendor] = [import_module(f"{__name__}.{folder}").VENDOR for folder in folders]
    return {vendor.name: vendor for vendor in found}
