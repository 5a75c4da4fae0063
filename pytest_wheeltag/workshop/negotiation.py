"""Which form of a page a client would rather have (PEP 691, RFC 9110 12)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HTML = "text/html"
HTML_V1 = "application/vnd.pypi.simple.v1+html"
JSON_V1 = "application/vnd.pypi.simple.v1+json"
# The first of equals is chosen, so that browsers, which accept everything, get what they can show.
FORMATS = (HTML, HTML_V1, JSON_V1)
_LATEST = ".latest+"


@dataclass(frozen=True)
class Preference:
    """One part of an ``Accept`` or ``Accept-Encoding`` header with its weight, 0 to 1."""

    pattern: str
    weight: float

    def specificity(self, content_type: str) -> int:
        """Tell how exactly it speaks of a content type: 3 exactly, 2 ``type/*``, 1 ``*/*`` or ``*``, 0 not at all."""
        if self.pattern == content_type:
            return 3
        if self.pattern == content_type.partition("/")[0] + "/*":
            return 2
        return int(self.pattern in {"*/*", "*"})


def parse_preferences(header: str) -> tuple[Preference, ...]:
    """Read the header's parts; a weight that is no number counts as 0, ``latest`` is version 1."""
    parts = (part.strip() for part in header.lower().split(","))
    return tuple(_parse_preference(part) for part in parts if part)


def _parse_preference(part: str) -> Preference:
    pattern, *parameters = (piece.strip() for piece in part.split(";"))
    weights = [piece[2:] for piece in parameters if piece.startswith("q=")]
    return Preference(pattern.replace(_LATEST, ".v1+"), _weight(weights))


def _weight(texts: Sequence[str]) -> float:
    if not texts:
        return 1.0
    return float(texts[0]) if texts[0].replace(".", "", 1).isdecimal() else 0.0


def weigh(preferences: Iterable[Preference], offered: str) -> float:
    """Give the weight of what is offered, by the part that speaks of it most exactly; 0 is not accepted."""
    ranked = [(found.specificity(offered), found.weight) for found in preferences]
    specificity, weight = max(ranked, default=(0, 0.0))
    return weight if specificity else 0.0


def choose_format(accept: str, offered: Sequence[str] = FORMATS) -> str | None:
    """Give the content type to answer with, None where none is acceptable; no header accepts everything."""
    preferences = parse_preferences(accept or "*/*")
    best = max(offered, key=lambda content_type: weigh(preferences, content_type))
    return best if weigh(preferences, best) > 0 else None


def accepts_gzip(accept_encoding: str) -> bool:
    """Tell whether a gzip body is accepted."""
    return weigh(parse_preferences(accept_encoding), "gzip") > 0
