"""The handlers that are shipped: one module each, found at start.

Design:
    A handler imports `router.handler` and the vendors' event classes and nothing else of the
    router, so it can be copied, removed or replaced by itself. Nothing is registered anywhere.
"""
