"""Sending: real SMTP servers on loopback, good and broken ones; at most one delivery a key, whatever happens."""

from __future__ import annotations

import base64
import os
import signal
import socket
import ssl
import subprocess
import sys
import textwrap
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from segmenter.errors import Refused
from segmenter.mail import ledger, sending
from segmenter.mail.sending import Config, Letter

PASSWORD = "canary-secret-7f3a"


@dataclass
class Server:
    """What a server saw and how it behaves."""

    port: int = 0
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    at_data: Callable[[Any], str] | None = None

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.at_data:
            answer = self.at_data(server)
            if answer:
                return answer
        self.taken += [(address, envelope.content) for address in envelope.rcpt_tos]
        return "250 OK"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert server.transport.get_extra_info("ssl_object") is not None, "login before TLS"
        self.logins.append(mechanism)
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    async def auth_XOAUTH2(self, server: Any, args: list[str]) -> AuthResult:  # noqa: N802
        """As Microsoft and Google do it: a wrong token is told in a challenge, after whose empty answer comes 535."""
        assert server.transport.get_extra_info("ssl_object") is not None, "login before TLS"
        self.logins.append(args[0])
        if base64.b64decode(args[1]) == f"user=seg\x01auth=Bearer {PASSWORD}\x01\x01".encode():
            return AuthResult(success=True)
        assert await server.challenge_auth(b'{"status":"401","schemes":"bearer"}') == b""
        return AuthResult(success=False, handled=False)


@cache
def authority(name: str = "ours") -> trustme.CA:
    return trustme.CA(organization_name=name)


def tls(certificate: trustme.LeafCert | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (certificate or authority().issue_cert("localhost", "127.0.0.1")).configure_cert(context)
    return context


@contextmanager
def serving(
    context: ssl.SSLContext | None, implicit: bool = False, login: bool = True, tokens: bool = True
) -> Iterator[Server]:
    seen = Server()

    class Loud(Controller):
        def factory(self) -> SMTP:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it does not see that the whole line is TLS
                return SMTP(
                    self.handler,
                    hostname="localhost",
                    tls_context=None if implicit else context,
                    require_starttls=not implicit and context is not None,
                    authenticator=seen.authenticate if login else None,
                    auth_required=login,
                    auth_require_tls=not implicit,
                    auth_exclude_mechanism=() if tokens else ("XOAUTH2",),
                )

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Loud(seen, hostname="127.0.0.1", port=port, ssl_context=context if implicit else None)

    def knock() -> None:
        open_to_all = ssl._create_unverified_context()
        plain = socket.create_connection(("127.0.0.1", port), 5)
        with open_to_all.wrap_socket(plain) if implicit else plain as line:
            line.recv(100)

    controller._trigger_server = knock
    controller.start()
    seen.port = port
    try:
        yield seen
    finally:
        controller.stop()


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    authority().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv(sending.SECRET, PASSWORD)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    return Config(
        host="localhost",
        sender="seg@example.com",
        user="seg",
        allow=("example.com",),
        ca_file=str(tmp_path / "ca.pem"),
        timeout=5,
    )


@pytest.fixture
def book(tmp_path: Path) -> Iterator[ledger.Ledger]:
    with ledger.opened(tmp_path / "ledger.sqlite") as found:
        yield found


def letters(count: int = 1) -> list[Letter]:
    return [
        Letter(
            f"key{i}",
            f"a{i}@example.com",
            f"<{i}@example.com>",
            f"Subject: x{i}\r\n\r\nHello\r\n.dot\r\n..\r\n".encode(),
        )
        for i in range(count)
    ]


def quick(_: float) -> None:
    """No pause in a test."""


# Good servers ---------------------------------------------------------------------------------------------------------


def test_starttls_and_login(config: Config, book: ledger.Ledger) -> None:
    with serving(tls()) as server:
        outcomes = sending.send(letters(3), replace(config, port=server.port), book, pause=quick)
    assert [one.state for one in outcomes] == ["sent"] * 3
    assert [address for address, _ in server.taken] == ["a0@example.com", "a1@example.com", "a2@example.com"]
    assert server.taken[0][1] == letters()[0].content
    assert len(server.logins) == 1


def test_implicit_tls(config: Config, book: ledger.Ledger) -> None:
    with serving(tls(), implicit=True) as server:
        outcomes = sending.send(letters(), replace(config, port=server.port, security="tls"), book, pause=quick)
    assert [one.state for one in outcomes] == ["sent"]


TOKEN = (sys.executable, "-c", f"print({PASSWORD!r})")


@pytest.mark.parametrize("command", [(), TOKEN])
def test_login_with_an_access_token(
    config: Config, book: ledger.Ledger, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of the environment, or what the command prints (its hour is over before the next week)."""
    if command:
        monkeypatch.delenv(sending.SECRET)
    with serving(tls()) as server:
        made = replace(config, port=server.port, login="xoauth2", token_command=command)
        assert [one.state for one in sending.send(letters(), made, book, pause=quick)] == ["sent"]
    assert server.logins == ["XOAUTH2"]


@pytest.mark.parametrize(
    ("command", "key"),
    [
        ((sys.executable, "-c", "print('an old token')"), "smtp_login"),
        ((sys.executable, "-c", f"print('{PASSWORD}'); raise SystemExit(1)"), "token_command"),
        ((sys.executable, "-c", ""), "token_command"),
        (("no-such-program",), "token_command"),
    ],
)
def test_a_wrong_token_is_one_sentence(config: Config, book: ledger.Ledger, command: tuple[str, ...], key: str) -> None:
    with serving(tls()) as server, pytest.raises(Refused) as caught:
        made = replace(config, port=server.port, login="xoauth2", token_command=command)
        sending.send(letters(), made, book, pause=quick)
    assert caught.value.key == key
    assert PASSWORD not in caught.value.message("en")
    assert server.taken == []


def test_a_server_without_token_login(config: Config, book: ledger.Ledger) -> None:
    with serving(tls(), tokens=False) as server, pytest.raises(Refused) as caught:
        sending.send(letters(), replace(config, port=server.port, login="xoauth2"), book, pause=quick)
    assert caught.value.key == "smtp_no_oauth"


def test_nobody_gets_the_same_letter_twice(config: Config, book: ledger.Ledger) -> None:
    with serving(tls()) as server:
        for expected in ("sent", "before", "before"):
            outcomes = sending.send(letters(2), replace(config, port=server.port), book, pause=quick)
            assert [one.state for one in outcomes] == [expected] * 2
    assert len(server.taken) == 2


# Broken servers -------------------------------------------------------------------------------------------------------


def _expired() -> trustme.LeafCert:
    past = datetime.now(UTC) - timedelta(days=1)
    return authority().issue_cert("localhost", not_after=past)


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        (lambda: authority("theirs").issue_cert("localhost"), "self-signed|unable to get local issuer"),
        (_expired, "expired"),
        (lambda: authority().issue_cert("elsewhere.example.com"), "Hostname mismatch"),
    ],
)
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_is_not_right_ends_it_before_login(
    config: Config, book: ledger.Ledger, certificate: Callable[[], trustme.LeafCert], reason: str, security: str
) -> None:
    with serving(tls(certificate()), implicit=security == "tls") as server, pytest.raises(Refused) as caught:
        sending.send(letters(), replace(config, port=server.port, security=security), book, pause=quick)
    assert caught.value.key == "smtp_certificate"
    import re

    assert re.search(reason, caught.value.message("en"))
    assert (server.logins, server.taken) == ([], [])


def test_no_starttls_no_letter(config: Config, book: ledger.Ledger) -> None:
    with serving(None, login=False) as server, pytest.raises(Refused) as caught:
        sending.send(letters(), replace(config, port=server.port), book, pause=quick)
    assert caught.value.key == "smtp_no_tls"
    assert server.taken == []


def test_old_tls_is_refused(config: Config, book: ledger.Ledger) -> None:
    context = tls()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with serving(context) as server, pytest.raises(Refused) as caught:
        sending.send(letters(), replace(config, port=server.port), book, pause=quick)
    assert caught.value.key in ("smtp_tls", "smtp_down")
    assert (server.logins, server.taken) == ([], [])


def test_a_refused_login_says_nothing_of_the_password(
    config: Config, book: ledger.Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(sending.SECRET, "wrong-" + PASSWORD)
    with serving(tls()) as server, pytest.raises(Refused) as caught:
        sending.send(letters(), replace(config, port=server.port), book, pause=quick)
    assert caught.value.key == "smtp_login"
    assert PASSWORD not in caught.value.message("zh") + repr(caught.value.params)
    assert caught.value.__cause__ is None
    assert len(server.logins) == len(set(server.logins)), "a login that is refused is not tried again"


def test_one_refused_recipient_of_many(config: Config, book: ledger.Ledger) -> None:
    with serving(tls()) as server:
        server.refuse["a1@example.com"] = "550 no such user"
        outcomes = sending.send(letters(4), replace(config, port=server.port), book, pause=quick)
    assert [one.state for one in outcomes] == ["sent", "refused", "sent", "sent"]
    assert [address for address, _ in server.taken] == ["a0@example.com", "a2@example.com", "a3@example.com"]


def test_what_may_pass_is_tried_again_with_longer_pauses(config: Config, book: ledger.Ledger) -> None:
    pauses: list[float] = []
    with serving(tls()) as server:
        server.refuse["a0@example.com"] = "450 later"
        outcomes = sending.send(letters(2), replace(config, port=server.port), book, pause=pauses.append)
        assert [one.state for one in outcomes] == ["failed", "sent"]
        assert pauses == list(sending.PAUSES[:2])
        server.refuse.clear()
        again = sending.send(letters(2), replace(config, port=server.port), book, pause=quick)
    assert [one.state for one in again] == ["before", "sent"]
    assert len(server.taken) == 2


def test_a_connection_that_drops_after_the_body_is_unknown_and_not_repeated(
    config: Config, book: ledger.Ledger
) -> None:
    def drop(server: Any) -> str:
        server.transport.abort()
        return "250 OK"

    with serving(tls()) as server:
        server.at_data = drop
        outcomes = sending.send(letters(2), replace(config, port=server.port, timeout=3), book, pause=quick)
        assert [one.state for one in outcomes] == ["unknown", "unknown"]
        assert book.unknown() == [("a0@example.com", "<0@example.com>"), ("a1@example.com", "<1@example.com>")]
        server.at_data = None
        again = sending.send(letters(2), replace(config, port=server.port), book, pause=quick)
        assert [one.state for one in again] == ["unknown", "unknown"]
        assert server.taken == []
        wanted = sending.send(letters(2), replace(config, port=server.port), book, again=True, pause=quick)
    assert {one.state for one in wanted} == {"sent"}
    assert book.unknown() == []


def test_nobody_listens(config: Config, book: ledger.Ledger) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    pauses: list[float] = []
    with pytest.raises(Refused) as caught:
        sending.send(letters(), replace(config, port=port), book, pause=pauses.append)
    assert caught.value.key == "smtp_down"
    assert len(pauses) == sending.TRIES - 1


def test_a_server_that_says_nothing_times_out(config: Config, book: ledger.Ledger) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        begun = time.monotonic()
        with pytest.raises(Refused) as caught:
            sending.send(letters(), replace(config, port=mute.getsockname()[1], timeout=0.3), book, pause=quick)
    assert caught.value.key == "smtp_down"
    assert time.monotonic() - begun < 5


# Who ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("allow", [(), ("other.com",), ("a9@example.com",), ("xample.com",)])
def test_the_allow_list_denies_by_default(config: Config, book: ledger.Ledger, allow: tuple[str, ...]) -> None:
    with serving(tls()) as server, pytest.raises(Refused) as caught:
        sending.send(letters(), replace(config, port=server.port, allow=allow), book, pause=quick)
    assert caught.value.key == "not_allowed"
    assert (server.logins, server.taken) == ([], [])


def test_the_cap(config: Config, book: ledger.Ledger) -> None:
    with serving(tls()) as server, pytest.raises(Refused) as caught:
        sending.send(letters(3), replace(config, port=server.port, cap=2), book, pause=quick)
    assert caught.value.key == "mail_cap"
    assert server.taken == []


def test_no_password_anywhere(config: Config, book: ledger.Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(sending.SECRET)
    with serving(tls()) as server, pytest.raises(Refused) as caught:
        sending.send(letters(), replace(config, port=server.port), book, pause=quick)
    assert caught.value.key == "no_password"


def test_the_keyring_comes_first(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring
    from keyring.backend import KeyringBackend

    class Memory(KeyringBackend):
        priority = 1  # type: ignore[assignment]

        def get_password(self, service: str, username: str) -> str | None:
            return "from the ring" if (service, username) == ("segmenter", "seg@localhost") else None

        def set_password(self, service: str, username: str, password: str) -> None: ...

        def delete_password(self, service: str, username: str) -> None: ...

    before = keyring.get_keyring()
    keyring.set_keyring(Memory())
    try:
        found = sending.password(config)
    finally:
        keyring.set_keyring(before)
    assert found.reveal() == "from the ring"
    assert "ring" not in f"{found} {found!r} {[found]}"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("host = 'x'", "sender"),
        ("sender = 'a@x.com'", "host"),
        ("host = 'x'\nsender = 'a@x.com'\npassword = 'x'", "password"),
        ("host = 'x'\nsender = 'a@x.com'\nport = 'x'", "port"),
        ("host = 'x'\nsender = 'a@x.com'\nsecurity = 'none'", "security"),
        ("host = 'x'\nsender = 'a@x.com'\nallow = 'x.com'", "allow"),
        ("host = 'x'\nsender = 'a@x.com'\nlogin = 'oauth'", "login"),
        ("host = 'x'\nsender = 'a@x.com'\ntoken_command = [1]", "token_command"),
        ("host = ", "TOML"),
    ],
)
def test_a_configuration_is_checked(tmp_path: Path, text: str, value: str) -> None:
    path = tmp_path / "mail.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Refused) as caught:
        Config.read(path)
    assert (caught.value.key, caught.value.value) == ("mail_config", value)


# Killed ---------------------------------------------------------------------------------------------------------------

WORKER = """
import os, signal, sys
from segmenter.mail import ledger, sending
step, stop, port, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
count = 0
def bite(name):
    global count
    if name == step:
        count += 1
        if count == stop:
            os.kill(os.getpid(), signal.SIGKILL)
mark = ledger.Ledger.mark
def marked(self, key, state, *rest):
    bite("before " + state)
    mark(self, key, state, *rest)
    bite("after " + state)
ledger.Ledger.mark = marked
import smtplib
send = smtplib.SMTP.send
def sent(self, data):
    bite("before body" if b"Hello" in (data if isinstance(data, bytes) else data.encode()) else "before line")
    send(self, data)
    bite("after body" if b"Hello" in (data if isinstance(data, bytes) else data.encode()) else "after line")
smtplib.SMTP.send = sent
letters = [
    sending.Letter(f"key{i}", f"a{i}@example.com", f"<{i}>", b"Subject: x\\r\\n\\r\\nHello\\r\\n")
    for i in range(3)
]
config = sending.Config(host="localhost", sender="seg@example.com", user="seg", port=port, allow=("example.com",),
                        ca_file=folder + "/ca.pem", timeout=5)
with ledger.opened(__import__("pathlib").Path(folder) / "ledger.sqlite") as book:
    for one in sending.send(letters, config, book):
        print(one.address, one.state)
"""


@pytest.mark.parametrize("stop", [1, 2, 3])
@pytest.mark.parametrize(
    "step",
    ["before planned", "after planned", "before line", "after line", "before sending", "after sending", "before body",
     "after body", "before sent", "after sent"],
)  # fmt: skip
def test_killed_at_each_step_nobody_gets_a_letter_twice(config: Config, tmp_path: Path, step: str, stop: int) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", textwrap.dedent(WORKER), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    with serving(tls()) as server:
        first = run(step, str(stop), str(server.port), str(tmp_path))
        assert first.returncode == -signal.SIGKILL, first.stderr
        time.sleep(0.2)
        second = run("never", "1", str(server.port), str(tmp_path))
    assert second.returncode == 0, second.stderr
    states = dict(line.split() for line in second.stdout.splitlines())
    arrived = [address for address, _ in server.taken]
    assert len(arrived) == len(set(arrived)), arrived
    assert set(states) == {f"a{i}@example.com" for i in range(3)}
    for address, state in states.items():
        if state == "unknown":
            continue
        assert state in ("sent", "before")
        assert address in arrived
    assert sum(state == "unknown" for state in states.values()) <= 1


def test_one_run_at_a_time_and_only_the_user_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ledger.sqlite"
    with ledger.opened(path), pytest.raises(Refused) as caught, ledger.opened(path):
        pass
    assert caught.value.key == "ledger_busy"
    if os.name == "posix":
        assert path.stat().st_mode & 0o077 == 0


def test_a_damaged_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(Refused) as caught, ledger.opened(path):
        pass
    assert caught.value.key == "ledger"
