"""Records on disk for as long as Kafka does not have them.

Design: append, sequential read and whole-file delete is all there is to do, so the store is a row
of append-only segments and no database: one `fdatasync` per group of records, nothing to compact,
and a full disk harms nothing that is there. The spool knows no partitions and no producers: it
keeps what it is given in the order in which it is given, until it is told that it may forget.

    port       what the publisher asks of it, and is told
    segment    bytes of a segment to records and back, also where bytes are missing or wrong: pure
    marks      which records of a segment are settled, as bytes: pure
    ledger     which records of which segments wait: pure
    files      the names of the files; what each of them is for
    disk       the only system calls, one method each
    quota      what the files take, and how much more they may
    folder     what must hold before the spool runs; stock-taking at the start
    cursor     which segments count, durable before one of them is removed
    writable   a segment that is open for writing, and what still fits into it
    store      the only writer of segments: groups, quota, what happens when the disk fails
    aside      refused records and damaged bytes
    recovery   what earlier runs left, found beside the listener
    reader     records by position
    survey     what the folder holds, for people: without the lock
    inbox      what was taken and not told of: the groups that are written together
    worker     a thread that the program does not wait for at its end
    spool      all of it behind the port, on the event loop
"""
