"""What a request says of where it comes from: by its connection, which cannot lie, and by its headers."""

import ipaddress
import re
from http import HTTPStatus
from typing import NamedTuple

from starlette.types import Scope

from rig.daemon.refusal import Refusal

# Proxies add them, and nothing else does.
_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")

_DEFAULT_PORTS = {"http": 80, "https": 443}
_AUTHORITY = re.compile(r"(?P<name>[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(:(?P<port>[0-9]{1,5}))?", re.I)


class Origin(NamedTuple):
    """Scheme, name and port of a server, as browsers tell one site from another.

    Attributes:
        name: in lower case; of an IPv6 address the shortest form, without brackets.
    """

    scheme: str
    name: str
    port: int


def header(scope: Scope, name: str) -> str | None:
    """The value of a header, or None where it is absent.

    Raises:
        Refusal: it is there twice, so that two readers could take different ones.
    """
    values = _values(scope, name)
    if len(values) > 1:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"the request has more than one {name} header", hint="send one")
    return values[0] if values else None


def cookie(scope: Scope, name: str) -> str | None:
    """The value of a cookie, or None."""
    for line in _values(scope, "cookie"):
        for pair in line.split(";"):
            key, _, value = pair.strip().partition("=")
            if key == name:
                return value
    return None


def is_over_unix_socket(scope: Scope) -> bool:
    """Whether it came over a Unix socket: the servers of the network have a port."""
    server = scope.get("server")
    return server is not None and server[1] is None


def is_forwarded(scope: Scope) -> bool:
    """Whether a proxy has passed it on and says so: that the proxy is near says nothing of the sender."""
    return any(_values(scope, name) for name in _FORWARDED)


def scheme_of(scope: Scope) -> str:
    """`http` or `https`, as the sender sees it; a proxy on this computer is believed."""
    if _is_from_this_computer(scope) and header(scope, "x-forwarded-proto") == "https":
        return "https"
    return str(scope.get("scheme", "http"))


def address_of(scope: Scope) -> str:
    """The IP address of the sender, for counting; as a proxy on this computer says, where there is one."""
    client = scope.get("client")
    if _is_from_this_computer(scope):
        told = [entry.strip() for value in _values(scope, "x-forwarded-for") for entry in value.split(",")]
        if told and _is_address(
            told[-1]
        ):  # the last is what the proxy saw; those before it anybody can make up
            return told[-1]
    return str(client[0]) if client else ""


def host_of(scope: Scope) -> Origin:
    """The server that the sender believes to speak to.

    Raises:
        Refusal: there is no Host header, more than one, or it is malformed.
    """
    text = header(scope, "host")
    host = _origin(scheme_of(scope), text) if text is not None else None
    if host is None:
        hint = "send the address that is asked, such as Host: 127.0.0.1:8000"
        raise Refusal(HTTPStatus.BAD_REQUEST, "the request's Host header is missing or malformed", hint=hint)
    return host


def parse_origin(text: str) -> Origin | None:
    """An Origin header; None for `null` and for what is none."""
    scheme, separator, authority = text.partition("://")
    return _origin(scheme.lower(), authority) if separator and scheme.lower() in _DEFAULT_PORTS else None


def is_loopback(name: str) -> bool:
    """Whether a name or an IP address can only mean this computer."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(plain_name(name)).is_loopback
    except ValueError:
        return False


def plain_name(name: str) -> str:
    """A name in lower case, or an IP address in its shortest form, as they can be compared."""
    try:
        address = ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return name.lower()
    # What comes by IPv4 to a socket for both is written so.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _origin(scheme: str, authority: str) -> Origin | None:
    match = _AUTHORITY.fullmatch(authority)
    if match is None or scheme not in _DEFAULT_PORTS:
        return None
    port = int(match["port"]) if match["port"] else _DEFAULT_PORTS[scheme]
    name = plain_name(match["name"])
    if port > 65535 or name.startswith("["):
        return None
    return Origin(scheme, name, port)


def _values(scope: Scope, name: str) -> list[str]:
    wanted = name.encode("latin-1")
    return [value.decode("latin-1") for key, value in scope["headers"] if key == wanted]


def _is_from_this_computer(scope: Scope) -> bool:
    client = scope.get("client")
    return is_over_unix_socket(scope) or (client is not None and is_loopback(str(client[0])))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
