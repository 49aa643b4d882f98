"""Every option of the configuration file, with its meaning, bounds, default and examples.

Design: this is the only place that names an option, and `route_options` for those of the routes;
`load` walks these types, and what is shown to users is derived from them. Notes in the `extra` of
`Meta`: `annotations`. Rules between options: `rules`.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from router.config.scalars import Address, Duration, Network, Size

_NAME: Final = r"\A[a-z0-9][a-z0-9_-]{0,31}\Z"

SourceName = Annotated[
    str,
    Meta(
        pattern=_NAME,
        examples=["rtc"],
        extra={"expected": "a name of up to 32 of a-z, 0-9, _ and -, a letter or digit first"},
    ),
]
Text = Annotated[str, Meta(min_length=1)]
EnvName = Annotated[str, Meta(pattern=r"\A[A-Za-z_][A-Za-z0-9_]*\Z")]
LiveApp = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_.-]{1,30}\Z")]
Url = Annotated[str, Meta(pattern=r"\Ahttps?://.", extra={"expected": "a URL"})]


class SecretOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a secret is; the secret itself never stands in a configuration file."""

    env: Annotated[
        EnvName | None,
        Meta(
            description="The environment variable that holds it.",
            examples=["RTC_CALLBACK_KEY"],
            extra={"expected": "the name of an environment variable"},
        ),
    ] = None
    file: Annotated[
        Text | None,
        Meta(
            description="The file that holds it, relative to the configuration file. One newline "
            "at its end does not count.",
            examples=["/run/secrets/rtc"],
        ),
    ] = None
    app: Annotated[
        Text | None,
        Meta(
            description="The AppId that it belongs to. An AppId with secrets of its own is "
            "checked against these only.",
            examples=["65f1c0"],
        ),
    ] = None


class KafkaOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where Kafka is and how to log in."""

    bootstrap_servers: Annotated[
        str,
        Meta(
            description="Brokers to ask first, HOST:PORT, with commas between them.",
            examples=["127.0.0.1:9092", "kafka-1:9092,kafka-2:9092"],
        ),
    ]
    security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        Meta(description="How to talk to the brokers.", examples=["SASL_SSL"]),
    ] = "PLAINTEXT"
    sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
        Meta(description="How to log in, with SASL.", examples=["SCRAM-SHA-512"]),
    ] = "PLAIN"
    sasl_username: Annotated[
        Text | None, Meta(description="Who logs in, with SASL.", examples=["callback-router"])
    ] = None
    sasl_password: Annotated[
        SecretOptions | None,
        Meta(description="Where the password is, with SASL.", examples=[{"env": "KAFKA_PASSWORD"}]),
    ] = None
    ssl_ca_file: Annotated[
        Text | None,
        Meta(
            description="Certificates (PEM) to trust instead of the system's, with SSL; relative "
            "to the configuration file, as the next two.",
            examples=["/etc/kafka/ca.pem"],
        ),
    ] = None
    ssl_cert_file: Annotated[
        Text | None, Meta(description="Our certificate (PEM).", examples=["/etc/kafka/me.pem"])
    ] = None
    ssl_key_file: Annotated[
        Text | None, Meta(description="Our key (PEM).", examples=["/etc/kafka/me.key"])
    ] = None
    namespace: Annotated[
        str,
        Meta(
            description="Put before every topic, group and client id.",
            pattern=r"\A[A-Za-z0-9._-]{0,100}\Z",
            examples=["staging."],
            extra={"expected": "up to 100 letters, digits, ., _ and -"},
        ),
    ] = ""


class TopicsOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How topics are made and checked."""

    partitions: Annotated[
        int, Meta(description="Partitions of a new topic.", ge=1, le=10_000, examples=[6])
    ] = 6
    replication: Annotated[
        int,
        Meta(
            description="Copies of each record; capped by the number of brokers, with a warning.",
            ge=1,
            le=100,
            examples=[3],
        ),
    ] = 3
    min_insync_replicas: Annotated[
        int, Meta(description="Copies that must exist before a 200.", ge=1, le=100, examples=[2])
    ] = 2
    retention: Annotated[
        Duration,
        Meta(
            description="How long records are kept.",
            examples=["7d"],
            extra={"least": "1s", "most": "3650d"},
        ),
    ] = Duration(7 * 24 * 3600)
    max_message_bytes: Annotated[
        Size,
        Meta(
            description="Largest record; at least twice `max_body_bytes`.",
            examples=["2MiB"],
            extra={"least": "4KiB", "most": "1GiB"},
        ),
    ] = Size(2 << 20)


class SourceOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entrance: `POST /callbacks/{name}`."""

    vendor: Annotated[
        str,
        Meta(
            description="Whose callbacks come here.",
            min_length=1,
            examples=["volcengine-rtc"],
            extra={"defined": "Vendor"},
        ),
    ]
    secrets: Annotated[
        tuple[SecretOptions, ...],
        Meta(
            description="What the vendor signs with, newest first; all are accepted.",
            examples=[[{"env": "RTC_CALLBACK_KEY"}]],
        ),
    ] = ()
    tokens: Annotated[
        tuple[SecretOptions, ...],
        Meta(
            description="Secret last parts of the path, at least 16 of A-Z a-z 0-9 . _ ~ -; with "
            "any, the source is reachable only with one of them.",
            examples=[[{"env": "STUDIO_TOKEN"}]],
        ),
    ] = ()
    allow: Annotated[
        tuple[Network, ...],
        Meta(
            description="Networks whose callbacks are taken; default every network.",
            min_length=1,  # an empty list would read as "nobody" and mean "everybody"
            examples=[["203.0.113.0/24"]],
        ),
    ] = ()
    unsigned: Annotated[
        bool, Meta(description="The vendor's signing is switched off: tokens alone prove.")
    ] = False
    on_stale: Annotated[
        Literal["publish", "reject"],
        Meta(description="What becomes of an authentic callback sent outside its window."),
    ] = "publish"


class AckOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a vendor waits for its answer."""

    soft: Annotated[
        Duration,
        Meta(
            description="After this the spool is tried beside Kafka.",
            examples=["300ms"],
            extra={"least": "0s", "most": "60s"},
        ),
    ] = Duration(0.3)
    hard: Annotated[
        Duration,
        Meta(
            description="After this the answer is 503; the tightest vendor waits 4 s.",
            examples=["3s"],
            extra={"least": "100ms", "most": "60s"},
        ),
    ] = Duration(3)


class SpoolOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where events wait while Kafka is away."""

    path: Annotated[
        str, Meta(description="A folder.", min_length=1, examples=["/var/lib/spool"])
    ] = "var/spool"
    max_bytes: Annotated[
        Size,
        Meta(
            description="How much may wait; then 503.",
            examples=["2GiB"],
            extra={"least": "1MiB", "most": "1023GiB"},
        ),
    ] = Size(2 << 30)
    allow_ephemeral: Annotated[
        bool, Meta(description="Accept a folder that does not outlive the machine.")
    ] = False


class StateOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where handlers keep their state."""

    url: Annotated[
        str,
        Meta(
            description="SQLite for one process, PostgreSQL for more.",
            pattern=r"\A(?:sqlite:///|postgresql://).",
            examples=["sqlite:///var/state.db", "postgresql://db.example.com/callbacks"],
            extra={"expected": "sqlite:///PATH or postgresql://..."},
        ),
    ] = "sqlite:///var/state.db"


LiveMessageType = Literal["push", "push_end", "snapshot", "record", "audit_snapshot"]


class LiveCallbackOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One URL registered at Volcengine Live, for some types of messages of a domain or a vhost."""

    source: Annotated[SourceName, Meta(description="Whose newest secret signs.", examples=["live"])]
    url: Annotated[
        Url,
        Meta(
            description="Where the vendor sends to; {token} stands for the source's newest token.",
            examples=["https://callbacks.example.com/callbacks/live/{token}"],
        ),
    ]
    message_types: Annotated[
        tuple[LiveMessageType, ...],
        Meta(description="What is sent.", min_length=1, examples=[["push", "push_end"]]),
    ]
    domain: Annotated[Text | None, Meta(description="Push domain; or vhost.")] = None
    vhost: Annotated[Text | None, Meta(description="Domain space; or domain.")] = None
    app: Annotated[
        LiveApp | None,
        Meta(
            description="Application, of a vhost only; default all.",
            examples=["show"],
            extra={"expected": "up to 30 letters, digits, _, . and -"},
        ),
    ] = None
    transcode: Annotated[
        bool | None, Meta(description="Transcoded streams too; default as registered, or else not.")
    ] = None


class VolcengineLiveOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Access to the management API of Volcengine Live."""

    access_key: Annotated[SecretOptions, Meta(description="Where the access key's id is.")]
    secret_key: Annotated[SecretOptions, Meta(description="Where the access key's secret is.")]
    endpoint: Annotated[
        Url, Meta(description="The API.", examples=["https://live.volcengineapi.com"])
    ] = "https://live.volcengineapi.com"
    callbacks: Annotated[
        tuple[LiveCallbackOptions, ...], Meta(description="What shall be registered.")
    ] = ()


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The configuration file; one with `listen`, `kafka` and `sources` is complete."""

    listen: Annotated[
        Address, Meta(description="Where callbacks come in.", examples=["0.0.0.0:8080"])
    ]
    kafka: Annotated[KafkaOptions, Meta(description="Where Kafka is.")]
    sources: Annotated[
        dict[SourceName, SourceOptions],
        Meta(description="The entrances by name; the name is in the path.", min_length=1),
    ]
    admin: Annotated[
        Address,
        Meta(description="Where /healthz, /readyz and /metrics are.", examples=["127.0.0.1:8081"]),
    ] = Address("127.0.0.1", 8081)
    trusted_proxies: Annotated[
        tuple[Network, ...],
        Meta(description="Whose X-Forwarded-For counts.", examples=[["10.0.0.0/8"]]),
    ] = ()
    connections_per_address: Annotated[
        int,
        Meta(
            description="Connections that one address may hold; trusted proxies are exempt.",
            ge=1,
            le=1_000_000,
            examples=[1024],
        ),
    ] = 1024
    topics: Annotated[TopicsOptions, Meta(description="How topics are made.")] = TopicsOptions()
    routes: Annotated[
        Text | None,
        Meta(
            description="The file of the routes, relative to this one; default the base topic only.",
            examples=["routes.yaml"],
        ),
    ] = None
    handlers: Annotated[
        tuple[Text, ...],
        Meta(description="Folders or packages of handlers.", examples=[["handlers"]]),
    ] = ("handlers",)
    max_body_bytes: Annotated[
        Size,
        Meta(
            description="Largest body; more is 413.",
            examples=["1MiB"],
            extra={"least": "64", "most": "64MiB"},
        ),
    ] = Size(1 << 20)
    ack: Annotated[AckOptions, Meta(description="How long an answer may take.")] = AckOptions()
    lame_duck: Annotated[
        Duration,
        Meta(
            description="After SIGTERM: not ready, still accepting.",
            examples=["10s"],
            extra={"least": "0s", "most": "10m"},
        ),
    ] = Duration(10)
    spool: Annotated[SpoolOptions, Meta(description="Where events wait.")] = SpoolOptions()
    state: Annotated[StateOptions, Meta(description="Where state is.")] = StateOptions()
    volcengine_live: Annotated[
        VolcengineLiveOptions | None, Meta(description="Access to the management API.")
    ] = None
