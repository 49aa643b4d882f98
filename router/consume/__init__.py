"""The consuming half: events from Kafka to handlers, their effects, and what became of them.

Design: one rule: an offset is committed only after the event's outcome is durable, which is its
transaction in the state database, or its dead letter in Kafka. What decides is pure (`offsets`,
`lanes`, `settle`); `runner` moves records between Kafka, the handler and the database and decides
nothing. Rejected: exactly-once through Kafka transactions, which end at Kafka's edge, while what
handlers keep is state; and acknowledging first, as most Python frameworks do.
"""
