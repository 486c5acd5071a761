"""What tells one finding from another, whatever line it moves to."""

from collections import Counter
from collections.abc import Iterable
from hashlib import sha256

from safemigrate.model import Finding, Unjudged
from safemigrate.model.secrets import hide_sql_passwords
from safemigrate.report.sources import Sources

__all__ = ["fingerprint_findings", "fingerprint_unjudged"]


def fingerprint_findings(findings: Iterable[Finding], sources: Sources) -> tuple[str, ...]:
    """Return one fingerprint for each finding, in hexadecimal.

    It is made of the file, the rule, the direction and the statement, so that lines that move,
    and a message that is worded anew, leave it as it is. The second of two findings that have all
    of these in common is told from the first by its number, in the order given.
    """
    return _tell_apart(_identify(finding, sources) for finding in findings)


def fingerprint_unjudged(entries: Iterable[Unjudged]) -> tuple[str, ...]:
    """Return one fingerprint for each thing that was not judged, in hexadecimal."""
    return _tell_apart(("not judged", entry.path, entry.reason) for entry in entries)


def _identify(finding: Finding, sources: Sources) -> tuple[str, ...]:
    # a fingerprint that knew the password would let it be guessed
    text = hide_sql_passwords(finding.sql or sources.first_line(finding))
    words = " ".join(text.split())
    return finding.rule, finding.path, finding.direction.value, words


def _tell_apart(identities: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    seen: Counter[tuple[str, ...]] = Counter()
    fingerprints = []
    for identity in identities:
        seen[identity] += 1
        text = "\0".join((*identity, str(seen[identity])))
        # a name that is not UTF-8 has half surrogate pairs
        digest = sha256(text.encode("utf-8", errors="surrogatepass"))
        fingerprints.append(digest.hexdigest())
    return tuple(fingerprints)
