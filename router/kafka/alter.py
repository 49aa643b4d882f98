"""The question that changes some settings of topics and leaves the others: aiokafka has none.

Design: the older question, which aiokafka has, replaces every setting of a topic, so what somebody
sets between the look and the change would be lost. This one is understood by Kafka 2.3 and later.

Source: KIP-339, IncrementalAlterConfigs, version 0.
"""

from collections.abc import Mapping

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int8, Int16, Int32, Schema, String

_API_KEY = 44
_TOPIC = 2
_SET = 0


class AlterResponse(Response):
    """Of every topic, whether its settings were changed."""

    API_KEY = _API_KEY
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "resources",
            Array(
                ("error_code", Int16),
                ("error_message", String("utf-8")),
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
            ),
        ),
    )
    resources: list[tuple[int, str | None, int, str]]


class _Struct(RequestStruct):
    API_KEY = _API_KEY
    API_VERSION = 0
    RESPONSE_TYPE = AlterResponse
    SCHEMA = Schema(
        (
            "resources",
            Array(
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
                (
                    "configs",
                    Array(
                        ("name", String("utf-8")),
                        ("operation", Int8),
                        ("value", String("utf-8")),
                    ),
                ),
            ),
        ),
        ("validate_only", Boolean),
    )


class AlterRequest(Request[_Struct]):
    """Set these settings of these topics."""

    API_KEY = _API_KEY

    def __init__(self, settings: Mapping[str, Mapping[str, str]]) -> None:
        """Take the settings by topic."""
        self._resources = [
            (_TOPIC, topic, [(name, _SET, value) for name, value in values.items()])
            for topic, values in settings.items()
        ]

    def build(self, request_struct_class: type[_Struct]) -> _Struct:
        """Return the only version that there is here."""
        return request_struct_class(self._resources, False)  # noqa: FBT003 - by position only
