from abc import ABCMeta
from typing import ClassVar, Generic, TypeVar

from aiokafka.protocol.struct import Struct

T = TypeVar("T", bound=RequestStruct)  # noqa: PYI001 - aiokafka's name

class Request(Generic[T]):
    API_KEY: ClassVar[int]
    def build(self, request_struct_class: type[T]) -> T: ...

class RequestStruct(Struct, metaclass=ABCMeta):
    API_KEY: ClassVar[int]
    API_VERSION: ClassVar[int]
    RESPONSE_TYPE: ClassVar[type[Response]]

class Response(Struct, metaclass=ABCMeta):
    # Properties in the package, which its own answers replace by values, as ours do.
    API_KEY: int
    API_VERSION: int
