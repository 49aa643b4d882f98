"""Vendors' callbacks, verified, as CloudEvents on Kafka.

Design:
    One direction: request, message, verified, event, records, Kafka, handler, outcome, commit.
    What decides is pure (vendors, routing, event, record, ingress.receive, publish.lane): values
    in, values out, so it is tested without a server, a loop or a clock. What does I/O decides
    nothing. Imports point downwards only; the layers stand in `pyproject.toml` and are checked.

    Importing a module starts and registers nothing. This package re-exports nothing, so that the
    command starts without loading what its subcommand does not use.
"""
