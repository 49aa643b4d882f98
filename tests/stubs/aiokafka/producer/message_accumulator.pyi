class BatchBuilder:
    # None: the batch is full and has not taken the record.
    def append(
        self,
        *,
        timestamp: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes]] = ...,
    ) -> object | None: ...
