"""Faults on the real thing: a real Kafka, the real command, numbered callbacks, one checker.

Design: a class of faults starts the service, loads it, breaks something and mends it; then the
books are compared: what was answered 200 against what a client that shares no code with the
product reads. The product knows nothing of it: brokers get signals, connections go through a
proxy, and points inside the service are reached by a launcher that wraps its parts.

    callbacks  what is sent, and what must come of it     load     the vendors' side, and its book
    checker    the book against Kafka: pure               table    the rows and the exit code
    kafka      brokers behind proxies                     proxy    slow, cut, away
    service    the command as a process                   faulty   the same, with a fault inside
    scene      one class from start to verdict            flawed   twins that must be caught
    on_kafka, on_the_process, on_disk                     the classes
"""
