"""Letters out through SMTP: verified TLS or nothing, one message a recipient, and the ledger told before and after."""

from __future__ import annotations

import os
import re
import smtplib
import ssl
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, get_type_hints

import rtoml

from segmenter.errors import Refused
from segmenter.mail import addresses
from segmenter.mail.ledger import Ledger

SECRET: Final = "SEGMENTER_SMTP_PASSWORD"  # noqa: S105 the name of the variable, not its value
TRIES: Final = 3
PAUSES: Final = (0.5, 2.0, 8.0)
"""seconds before trying again"""


@dataclass(frozen=True)
class Config:
    """The mail server and what is allowed, from a TOML file. A password never stands there."""

    host: str
    sender: str
    port: int = 0
    security: str = "starttls"
    """starttls | tls"""
    user: str = ""
    login: str = "password"
    """password | xoauth2: an access token, as Microsoft 365 and Google want it"""
    token_command: tuple[str, ...] = ()
    """program and arguments that print the access token; started as they stand, without a shell"""
    allow: tuple[str, ...] = ()
    cap: int = 50
    """so many recipients a run"""
    timeout: float = 30.0
    ca_file: str = ""
    contact: str = ""
    unsubscribe: str = ""

    @classmethod
    def read(cls, path: Path) -> Config:
        """Refused("mail_config") names what is missing, unknown or of the wrong kind."""
        try:
            raw = rtoml.loads(path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            raise Refused("no_file", path=path) from None
        except (OSError, UnicodeDecodeError, rtoml.TomlParsingError):
            raise Refused("mail_config", path=path, value="TOML") from None
        kinds = get_type_hints(cls)
        for key in raw:
            if key not in kinds:
                raise Refused("mail_config", path=path, value=key)
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
        for key, value in values.items():
            kind = str if kinds[key] is str else (int, float) if kinds[key] is float else int
            wanted: Any = tuple if "tuple" in str(kinds[key]) else kind
            if not isinstance(value, wanted) or isinstance(value, bool):
                raise Refused("mail_config", path=path, value=key)
        for field in fields(cls):
            if field.name in ("host", "sender") and not values.get(field.name):
                raise Refused("mail_config", path=path, value=field.name)
        for key, words in (("security", ("starttls", "tls")), ("login", ("password", "xoauth2"))):
            if values.get(key, words[0]) not in words:
                raise Refused("mail_config", path=path, value=key)
        for key in ("allow", "token_command"):
            if not all(isinstance(one, str) for one in values.get(key, ())):
                raise Refused("mail_config", path=path, value=key)
        for key in ("sender", "contact", "unsubscribe"):
            if values.get(key):
                values[key] = addresses.one(values[key])
        return cls(**values)


class Secret:
    """A password that shows itself to nobody by accident."""

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __reduce__(self) -> Any:
        raise TypeError


def password(config: Config) -> Secret:
    """The password, or the access token: what the token's command prints, else from the system's keyring, else from
    the environment. Refused("no_password") says where to put it, Refused("token_command") that the command failed."""
    if config.login == "xoauth2" and config.token_command:
        return _printed(config)
    found = None
    with suppress(Exception):  # no keyring on this machine, or a locked one: the variable is left
        import keyring

        found = keyring.get_password("segmenter", f"{config.user}@{config.host}")
    found = found or os.environ.get(SECRET)
    if not found:
        raise Refused("no_password", value=f"{config.user}@{config.host}", variable=SECRET)
    return Secret(found)


def _printed(config: Config) -> Secret:
    try:
        run = subprocess.run(  # noqa: S603 the user's own command, from the user's own file
            config.token_command, capture_output=True, stdin=subprocess.DEVNULL, timeout=config.timeout, check=True
        )
        return Secret(run.stdout.decode("ascii").splitlines()[0].strip())
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError, IndexError):  # its words may hold the token
        raise Refused("token_command", value=config.token_command[0]) from None


def connect(config: Config, pause: Callable[[float], None] = time.sleep) -> smtplib.SMTP:
    """A session that is encrypted, verified and logged in. Refused says why there is none; what may pass is tried
    again."""
    for attempt in range(TRIES):
        try:
            return _session(config)
        except (ssl.SSLError, smtplib.SMTPAuthenticationError) as error:
            raise _refusal(error, config) from None
        except (OSError, smtplib.SMTPException) as error:
            if attempt + 1 == TRIES:
                raise _refusal(error, config) from None
            pause(PAUSES[attempt])
    raise AssertionError


def _refusal(error: Exception, config: Config) -> Refused:
    """The sentence for what went wrong; the server's own words may quote a user or a password and stay out of it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Refused("smtp_certificate", host=config.host, reason=error.verify_message)
    if isinstance(error, ssl.SSLError):
        return Refused("smtp_tls", host=config.host, reason=error.reason or "TLS")
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return Refused("smtp_login", host=config.host, code=error.smtp_code)
    code = getattr(error, "smtp_code", None)
    reason = f"{code}" if code else getattr(error, "strerror", None) or type(error).__name__
    return Refused("smtp_down", host=config.host, reason=reason)


def _session(config: Config) -> smtplib.SMTP:
    context = ssl.create_default_context(cafile=config.ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if config.security == "tls":
        session: smtplib.SMTP = smtplib.SMTP_SSL(
            config.host, config.port or 465, timeout=config.timeout, context=context, local_hostname="localhost"
        )
    else:
        session = smtplib.SMTP(config.host, config.port or 587, timeout=config.timeout, local_hostname="localhost")
    try:
        session.ehlo()
        if config.security == "starttls":
            if not session.has_extn("starttls"):
                raise Refused("smtp_no_tls", host=config.host)
            code, _ = session.starttls(context=context)
            if code != 220:
                raise Refused("smtp_no_tls", host=config.host)
            session.ehlo()
        if config.user:
            _log_in(session, config)
    except BaseException:
        session.close()
        raise
    return session


def _log_in(session: smtplib.SMTP, config: Config) -> None:
    if config.login == "password":
        session.login(config.user, password(config).reveal())
        return
    if "XOAUTH2" not in session.esmtp_features.get("auth", "").upper().split():
        raise Refused("smtp_no_oauth", host=config.host)
    said = f"user={config.user}\x01auth=Bearer {password(config).reveal()}\x01\x01"
    # a refusal comes as a challenge, which wants an empty answer before the server says 535
    session.auth("XOAUTH2", lambda challenge=None: said if challenge is None else "")


@dataclass(frozen=True)
class Letter:
    """One message ready to go."""

    key: str
    address: str
    message_id: str
    content: bytes


@dataclass(frozen=True)
class Outcome:
    """How it went with one letter: sent | before (an earlier run sent it) | refused | failed | unknown."""

    address: str
    state: str
    note: str = ""


def send(
    letters: Sequence[Letter],
    config: Config,
    ledger: Ledger,
    *,
    again: bool = False,
    pause: Callable[[float], None] = time.sleep,
) -> list[Outcome]:
    """Send what the ledger does not know as sent. `again` also sends letters of which nobody knows whether they
    arrived. Refused before anything is sent: a recipient who is not allowed, more of them than the cap."""
    for letter in letters:
        if not addresses.allowed(letter.address, config.allow):
            raise Refused("not_allowed", value=letter.address)
    if len(letters) > config.cap:
        raise Refused("mail_cap", count=len(letters), cap=config.cap)
    done, left = [], []
    for letter in letters:
        state = ledger.state(letter.key)
        if state == "sent":
            done.append(Outcome(letter.address, "before"))
        elif state == "sending" and not again:
            done.append(Outcome(letter.address, "unknown", letter.message_id))
        else:
            left.append(letter)
    if not left:
        return done
    session: smtplib.SMTP | None = connect(config, pause)
    try:
        for letter in left:
            ledger.mark(letter.key, "planned", letter.address, letter.message_id)
            outcome, session = _deliver(letter, config, ledger, session, pause)
            done.append(outcome)
    finally:
        if session is not None:
            with suppress(smtplib.SMTPException, OSError):
                session.quit()
    return done


def _deliver(
    letter: Letter, config: Config, ledger: Ledger, session: smtplib.SMTP | None, pause: Callable[[float], None]
) -> tuple[Outcome, smtplib.SMTP | None]:
    """One letter, tried again as long as it is sure that the server has not got it."""
    note = ""
    for attempt in range(TRIES):
        if attempt:
            pause(PAUSES[attempt - 1])
        try:
            session = session or connect(config, pause)
            state, note = _hand_over(letter, config, ledger, session)
        except (smtplib.SMTPException, OSError) as error:  # before the body was on its way
            with suppress(smtplib.SMTPException, OSError):
                if session:
                    session.close()
            session, state, note = None, "again", type(error).__name__
        except Refused as error:
            return Outcome(letter.address, "failed", error.key), None
        if state == "unknown":
            return Outcome(letter.address, "unknown", letter.message_id), None
        if state != "again":
            return Outcome(letter.address, state, note), session
    return Outcome(letter.address, "failed", note), session


def _hand_over(letter: Letter, config: Config, ledger: Ledger, session: smtplib.SMTP) -> tuple[str, str]:
    """Sent | refused | again | unknown, and the server's code."""
    for step in ("mail", "rcpt", "data"):
        if step == "data":
            code, _ = session.docmd("DATA")
        else:
            code, _ = session.mail(config.sender) if step == "mail" else session.rcpt(letter.address)
        if code not in (250, 251, 354):
            session.rset()
            return _answered(letter, ledger, code)
    ledger.mark(letter.key, "sending", letter.address, letter.message_id)
    try:
        session.send(re.sub(rb"(?m)^\.", b"..", letter.content.rstrip(b"\r\n")) + b"\r\n.\r\n")
        code, _ = session.getreply()
    except (smtplib.SMTPException, OSError):
        with suppress(smtplib.SMTPException, OSError):
            session.close()
        return "unknown", ""
    if code == 250:
        ledger.mark(letter.key, "sent", letter.address, letter.message_id)
        return "sent", ""
    return _answered(letter, ledger, code)


def _answered(letter: Letter, ledger: Ledger, code: int) -> tuple[str, str]:
    """A refusal: for good (5xx) or for now."""
    final = code >= 500
    ledger.mark(letter.key, "refused" if final else "planned", letter.address, letter.message_id, str(code))
    return ("refused" if final else "again"), str(code)
