"""The ingress: HTTP in, a decision, records out, an answer when they are durable.

Design: `receive.decide` is pure and tells everything about a request; `connection` is a state
machine over aiohttp's own request parser that adds what aiohttp's server lacks: deadlines for
heads, bodies, answers and idle connections, no `100 Continue` for what is refused, one answer per
request and none that repeats what was sent. A request costs no task: what is parsed is decided in
the same turn of the loop, and the answer is written by the callback of its Kafka batch. `make
bench` saw 0.5 to 0.65 of a plain aiohttp service's processor time a callback at 512 connections,
0.8 to 1.0 at 64, where most batches hold one record. Rejected: a subclass of aiohttp's
`RequestHandler`, which would override ten private names and still have two ways through.
"""
