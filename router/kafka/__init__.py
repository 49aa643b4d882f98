"""Kafka behind a port: what the program needs of it, and aiokafka as the engine.

Design: only the modules of this package import aiokafka, and nothing above sees its errors or
types. `port` holds the roles; the fakes of the tests fill them too and pass the same suite.
"""
