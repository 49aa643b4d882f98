"""From accepted records to durable ones.

Design: `lane` keeps the order of a partition and is pure; `generation` keeps a producer alive;
`publisher` joins them and tells when an event is durable. Idempotence is on, so within a
generation nothing is lost, doubled or reordered; between generations a record may come twice.
"""
