"""Files to a `Configuration`, or every problem of all files at once, each with its place.

Design: reading goes on after a problem for as long as what follows makes sense. A reference to a
secret is resolved where it is met, and a random secret stands in for one that is missing, so that
checks of higher layers speak in the same run: about every source, or every rule, that could be
read. A configuration with stand-ins is returned only to who asks for one.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from router.config.certificates import certificate_faults
from router.config.convert import Converter
from router.config.files import read_file, why
from router.config.options import (
    KafkaOptions,
    Options,
    SecretOptions,
    SourceOptions,
)
from router.config.route_options import RouteOptions, RoutesOptions
from router.config.scalars import Address
from router.config.secret import (
    NotFound,
    ResolvedSecret,
    Secret,
    resolve,
    signing_doubt,
    token_fault,
)
from router.config.told import told
from router.config.yaml_document import BROKEN, MAX_BYTES, Document, KeyPath, read_document
from router.errors import ConfigError, Problem

_MOST_PROBLEMS: Final = 1_000
"""After these no check goes on: each guess of what was meant takes part of a millisecond."""
_AND_MORE: Final = f"more than {_MOST_PROBLEMS:,} problems; the rest is told once these are gone"

_SSL_FILES = ("ssl_ca_file", "ssl_cert_file", "ssl_key_file")


class Finding(Struct, frozen=True):
    """What a check of a higher layer says about a value.

    Attributes:
        file: The configuration file or the file of the routes.
        path: Keys and positions from the root of the file to the value.
        message: What is wrong; no secrets.
        is_warning: Whether the configuration may be used nevertheless.
        at_key: Whether it is the last key of the path that is meant, and not its value.
    """

    file: Literal["router", "routes"]
    path: KeyPath
    message: str
    is_warning: bool = False
    at_key: bool = False


class LiveKeys(Struct, frozen=True, kw_only=True):
    """The access key of Volcengine Live's management API: its id, and its secret."""

    access_key: Secret
    secret_key: Secret


class Configuration(Struct, frozen=True, kw_only=True):
    """Everything that was configured, checked, with its secrets.

    Attributes:
        options: The configuration file. Kafka's SSL files are relative to the working directory
            here, so they can be opened as they are; the others are as written.
        routes: The file of the routes.
        secrets: Signing secrets of every source by its name, newest first.
        tokens: Tokens of every source by its name.
        sasl_password: Set if Kafka's protocol needs it.
        warnings: What is allowed but surely not meant, in the order of the files.
        path: The configuration file as the user gave it.
        live_keys: Set if they were asked for.
    """

    options: Options
    routes: RoutesOptions
    secrets: Mapping[str, tuple[ResolvedSecret, ...]]
    tokens: Mapping[str, tuple[Secret, ...]]
    sasl_password: Secret | None
    warnings: tuple[Problem, ...]
    path: Path
    live_keys: LiveKeys | None = None


Check = Callable[[Configuration], Iterable[Finding]]
"""What a higher layer knows about a configuration that is right in itself."""


def load(
    path: Path,
    environ: Mapping[str, str],
    checks: Sequence[Check] = (),
    *,
    with_secrets: bool = True,
    with_live_keys: bool = False,
) -> Configuration:
    """Return the configuration in *path*, or raise ConfigError with all problems of all files.

    Args:
        path: The configuration file; files that it names are relative to it.
        environ: The environment, for `${NAME}` and for secrets.
        checks: Run on everything that could be read; what they find is a problem or a warning.
        with_secrets: Without them no secret, token or certificate is looked for, and random ones
            stand in for all: for what tells of a configuration and never runs on it.
        with_live_keys: Whether the keys of `volcengine_live` are needed: only those who manage
            registrations have them, and no service.
    """
    loading = _Loading(path, environ, with_secrets=with_secrets, with_live_keys=with_live_keys)
    return loading.configuration(checks)


class _Loading:
    """One run of `load`: what has been found out so far."""

    def __init__(
        self,
        path: Path,
        environ: Mapping[str, str],
        *,
        with_secrets: bool,
        with_live_keys: bool,
    ) -> None:
        self._path = path
        self._environ = environ
        self._with_secrets = with_secrets
        self._with_live_keys = with_live_keys
        self._problems: list[Problem] = []
        self._warnings: list[Problem] = []
        self._secrets: dict[KeyPath, Secret] = {}
        self._read_sources: dict[str, SourceOptions] = {}
        self._half_read: dict[str, SourceOptions] = {}
        self._read_routes: dict[int, RouteOptions] = {}
        self._router = Document(file=str(path), data=BROKEN)
        self._routes = self._router

    def configuration(self, checks: Sequence[Check]) -> Configuration:
        """Return what `load` promises."""
        self._router = self._read(self._path, Options)
        options = self._converted(self._router, Options, self._look_up)
        self._require_live_section()
        self._routes = self._routes_document()
        routes = self._converted(self._routes, RoutesOptions, self._note_route)
        if options is BROKEN:
            options = self._readable_options()
        if not self._knows_sources():
            routes = RoutesOptions()
        elif routes is BROKEN:
            routes = self._readable_routes()
        configuration = self._assembled(options, routes)
        self._judge(configuration, checks)
        documents = (self._router, self._routes)
        may_stay = (msgspec.structs.replace(each, is_warning=True) for each in self._warnings)
        warnings = told(may_stay, documents)
        if self._problems:
            raise ConfigError(told(self._problems, documents), warnings)
        return msgspec.structs.replace(configuration, warnings=warnings)

    def _judge(self, configuration: Configuration, checks: Sequence[Check]) -> None:
        for finding in (finding for check in checks for finding in check(configuration)):
            if len(self._problems) >= _MOST_PROBLEMS:
                self._problems.append(self._routes.problem((), _AND_MORE))
                return
            self._add(finding)

    def _read(self, path: Path, root: type[Struct], named_at: KeyPath | None = None) -> Document:
        """Return the file; what keeps it from being read is reported where it is named."""
        try:
            content, _ = read_file(path, MAX_BYTES)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            named = self._router if named_at else Document(file=str(path), data=BROKEN)
            shown = str(path) if str(path).isprintable() else ascii(str(path))
            is_shown = named_at is not None and named_at not in self._router.expanded
            name = shown if is_shown else "this file"
            message = f"cannot read {name}: {why(error)}"
            self._problems.append(named.problem(named_at or (), message))
            return Document(file=str(path), data=BROKEN)
        return read_document(str(path), content, self._environ, root)

    def _routes_document(self) -> Document:
        data = self._router.data
        name = data.get("routes") if isinstance(data, dict) else None
        if not isinstance(name, str) or not name:
            return Document(file=self._router.file, data={})
        return self._read(self._path.parent / name, RoutesOptions, ("routes",))

    def _converted(
        self, document: Document, kind: type[Struct], seen: Callable[[KeyPath, Struct], None]
    ) -> Any:
        converter = Converter(document, seen)
        result = converter.convert(kind, document.data)
        self._problems += [*document.problems, *converter.problems]
        self._warnings += converter.warnings
        return result

    def _require_live_section(self) -> None:
        data = self._router.data
        if not self._with_live_keys or not isinstance(data, dict):
            return
        section, path = data.get("volcengine_live"), ("volcengine_live",)
        if not section:
            message = "required for the management API: its keys, and what shall be registered"
            self._problems.append(self._router.problem(path, message))
        elif isinstance(section, dict) and not section.get("callbacks"):
            message = "nothing is named here: say what shall be registered"
            self._problems.append(self._router.problem((*path, "callbacks"), message))

    def _note_route(self, path: KeyPath, section: Struct) -> None:
        if isinstance(section, RouteOptions):
            self._read_routes[int(path[1])] = section

    def _readable_options(self) -> Options:
        """Return the sources that could be read, for the checks; the rest are stand-ins.

        Of a source that could not be read as a whole, its vendor is taken.
        """
        self._half_read = {
            name: SourceOptions(vendor=written["vendor"])
            for name, written in self._written_sources().items()
            if name not in self._read_sources
            and isinstance(written, dict)
            and isinstance(written.get("vendor"), str)
        }
        return Options(
            listen=Address("127.0.0.1", 0),
            kafka=KafkaOptions(bootstrap_servers="127.0.0.1:0"),
            handlers=(),
            sources={**self._half_read, **self._read_sources},
        )

    def _written_sources(self) -> dict[str, Any]:
        data = self._router.data
        sources = data.get("sources") if isinstance(data, dict) else None
        return sources if isinstance(sources, dict) else {}

    def _knows_sources(self) -> bool:
        """Tell whether every source has a vendor: else what rules say of them cannot be judged."""
        known = self._read_sources.keys() | self._half_read.keys()
        return bool(known) and known >= self._written_sources().keys()

    def _readable_routes(self) -> RoutesOptions:
        """Return the rules that could be read, each at its place, with stand-ins between."""
        stand_in = RouteOptions(name="stand-in", when={})
        last = max(self._read_routes, default=-1)
        return RoutesOptions(
            routes=tuple(self._read_routes.get(index, stand_in) for index in range(last + 1))
        )

    def _look_up(self, path: KeyPath, section: Struct) -> None:
        """Look at every file and variable that a section names and something uses."""
        if isinstance(section, SourceOptions):
            self._read_sources[str(path[1])] = section
        elif not self._with_secrets:
            return
        elif isinstance(section, KafkaOptions):
            self._look_at_certificates(section)
        elif (
            isinstance(section, SecretOptions)
            and (self._with_live_keys or path[0] != "volcengine_live")
            and (section.env is None) != (section.file is None)  # else reported by the rules
        ):
            self._resolve(path, section)

    def _resolve(self, path: KeyPath, section: SecretOptions) -> None:
        place = (*path, "env" if section.env is not None else "file")
        found = resolve(section, self._environ, self._path.parent)
        if isinstance(found, NotFound):
            self._problems.append(self._router.problem(place, found.reason))
            return
        self._secrets[path] = found.secret
        fault = token_fault(found.secret) if "tokens" in path[2:] else None
        if fault:
            self._problems.append(self._router.problem(place, fault))
        doubts = [found.warning, signing_doubt(found.secret) if "secrets" in path[2:] else None]
        self._warnings += [self._router.problem(place, doubt) for doubt in doubts if doubt]

    def _look_at_certificates(self, kafka: KafkaOptions) -> None:
        files = [self._opened(kafka, name) for name in _SSL_FILES]
        if kafka.security_protocol.endswith("SSL"):  # else they have no effect
            for name, fault in certificate_faults(*files):
                self._problems.append(self._router.problem(("kafka", name), fault))

    def _opened(self, kafka: KafkaOptions, name: str) -> Path | None:
        """Return the path of a file that could be opened."""
        file: str | None = getattr(kafka, name)
        try:
            if file is not None:
                read_file(self._path.parent / file, 0)
                return self._path.parent / file
        except (OSError, ValueError) as error:
            message = f"cannot read this file: {why(error)}"
            self._problems.append(self._router.problem(("kafka", name), message))
        return None

    def _secret(self, *path: str | int) -> Secret:
        """Return the secret, or a stand-in for one that has been reported."""
        return self._secrets.get(path) or Secret(secrets.token_hex().encode())

    def _assembled(self, options: Options, routes: RoutesOptions) -> Configuration:
        return Configuration(
            options=msgspec.structs.replace(options, kafka=self._with_ssl_files(options.kafka)),
            routes=routes,
            secrets={
                name: tuple(
                    ResolvedSecret(secret.app, self._secret("sources", name, "secrets", index))
                    for index, secret in enumerate(source.secrets)
                )
                for name, source in options.sources.items()
            },
            tokens={
                name: tuple(
                    self._secret("sources", name, "tokens", index)
                    for index in range(len(source.tokens))
                )
                for name, source in options.sources.items()
            },
            sasl_password=self._secret("kafka", "sasl_password")
            if options.kafka.security_protocol.startswith("SASL_")
            else None,
            warnings=(),
            path=self._path,
            live_keys=LiveKeys(
                access_key=self._secret("volcengine_live", "access_key"),
                secret_key=self._secret("volcengine_live", "secret_key"),
            )
            if self._with_live_keys
            else None,
        )

    def _with_ssl_files(self, kafka: KafkaOptions) -> KafkaOptions:
        files = {name: getattr(kafka, name) for name in _SSL_FILES}
        found = {name: str(self._path.parent / file) for name, file in files.items() if file}
        return msgspec.structs.replace(kafka, **found)

    def _add(self, finding: Finding) -> None:
        is_of_source = finding.file == "router" and finding.path[:1] == ("sources",)
        if is_of_source and finding.path[1] in self._half_read and finding.path[2:] != ("vendor",):
            return  # what a source lacks may be what could not be read
        document = self._router if finding.file == "router" else self._routes
        message = document.without_expanded(finding.message, finding.path)
        problem = document.problem(finding.path, message, at_key=finding.at_key)
        (self._warnings if finding.is_warning else self._problems).append(problem)
