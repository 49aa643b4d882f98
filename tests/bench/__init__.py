"""The hot path measured beside the obvious service: `make bench`.

Design: both systems run as they would in production (a process each, Kafka with acks=all and
idempotence) and share the machine with one broker and the load, in one run, in turns, so that a
busy neighbour hits both. The figure that decides is CPU per callback: user and system time of
the server's process alone, over the requests it answered; rates and latencies also tell how the
load and Kafka share the cores with it. Rejected: a fake Kafka, since half of the work is the
writing to it; one callback sent again and again, since every cache would hit.

Callbacks are the vendor's, signed, all different, over 12 topics of 6 partitions. Every answer
must be 200, and afterwards Kafka must hold at least one record for each. Needs Linux (`/proc`);
the default run writes about 1 GB below the temporary folder, and deletes it.
"""
