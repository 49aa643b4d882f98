# ruff: noqa: N801 - the names are aiokafka's
# An answer has the version that the broker and aiokafka agree on.

from typing import Any

class CreateTopicsResponse_v0:
    topic_errors: list[tuple[str, int]]

class CreateTopicsResponse_v1:
    topic_errors: list[tuple[str, int, str | None]]

class CreateTopicsResponse_v2:
    topic_errors: list[tuple[str, int, str | None]]

class CreateTopicsResponse_v3:
    topic_errors: list[tuple[str, int, str | None]]

# Each entry begins with the setting's name and its value.
class DescribeConfigsResponse_v0:
    resources: list[tuple[int, str | None, int, str, list[tuple[Any, ...]]]]

class DescribeConfigsResponse_v1:
    resources: list[tuple[int, str | None, int, str, list[tuple[Any, ...]]]]

class DescribeConfigsResponse_v2:
    resources: list[tuple[int, str | None, int, str, list[tuple[Any, ...]]]]
