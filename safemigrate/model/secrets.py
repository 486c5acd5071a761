"""Text that may hold a password, made fit to be shown."""

import re

__all__ = ["hide_passwords"]

_MASK = "***"

# A password that holds an @ ends at the last one.
_IN_URL = re.compile(r"(://[^:/@\s]*:)\S*@")

# PGPASSWORD=x, DB_PASSWORD: x, {"password": "x"}, secret_key='x'. A value that is not quoted goes
# on to the next white space, and one whose quote is never closed to the end: hide too much rather
# than too little.
_NAMED = re.compile(
    r"""
    ( [\w-]* (?: passw(?:or)?d | passphrase | pwd | secret (?: [\w-]*key )? | token
               | api[_-]?key | credentials? )
      (?P<closing> ["']? ) \s* (?: => | [=:] ) \s*
    )
    (?: (?P<quote> ["'] ) (?: \\. | (?!(?P=quote)). | (?P=quote){2} )* (?: (?P=quote) | $ )
      | [^\s"'] \S*
    )
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def hide_passwords(text: str, known: str | None = None) -> str:
    """Return the text without what looks like a password, a token or another secret.

    In URLs, in connection strings, and behind a name such as `PGPASSWORD=` or `"secret":`.
    `known`: the password in use, hidden wherever it stands.
    """
    if known:
        text = text.replace(known, _MASK)
    return _NAMED.sub(rf"\1{_MASK}", _IN_URL.sub(rf"\1{_MASK}@", text))
