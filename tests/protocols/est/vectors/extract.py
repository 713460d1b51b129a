"""Write the examples of RFC 7030 and RFC 8951 into this folder: ``python extract.py rfc7030.txt rfc8951.txt``."""

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
PAGE_BREAK = re.compile(r"\n+[^\n]*\[Page \d+\]\n\f?\n*RFC 7030[^\n]*\n+")
BLOCK = re.compile(r"(?:^ *\|? *[A-Za-z0-9+/=]{20,64}\n)+(?:^ *\|? *[A-Za-z0-9+/=]+\n)?", re.MULTILINE)


def block_after(text: str, *marks: str) -> str:
    """The first block of base64 after these marks, which follow each other."""
    position = 0
    for mark in marks:
        position = text.index(mark, position)
    found = BLOCK.search(text, position)
    assert found is not None, marks
    return re.sub(r"[ |]", "", found[0])


def main(rfc7030: Path, rfc8951: Path) -> None:
    text = PAGE_BREAK.sub("\n", rfc7030.read_text("utf-8-sig"))
    text = text[text.rindex("Appendix A.  Operational") :]
    for name, marks in {
        "cacerts": ("A.1.", "Content-Length: 4246"),
        "csrattrs": ("A.2.", "Content-Length: 171"),
        "simpleenroll-request": ("A.3.", "Content-Length: 882"),
        "simpleenroll": ("A.3.", "Content-Length: 1122"),
        "serverkeygen-request": ("A.4.", "Content-Length: 963"),
    }.items():
        (HERE / f"{name}.b64").write_text(block_after(text, *marks))
    # Here a page ends between the headers of a part and its body: the blank line between them has to stay.
    text = PAGE_BREAK.sub("\n\n", rfc7030.read_text("utf-8-sig"))
    start = text.rindex("This is the preamble.")
    end = text.index("Appendix B.", start)
    body = "\n".join(line.removeprefix("   ") for line in text[start:end].splitlines())
    (HERE / "serverkeygen.multipart").write_text(body.rstrip() + "\n")
    other = rfc8951.read_text("utf-8-sig")
    (HERE / "csrattrs-8951.b64").write_text(block_after(other, "then base64 encodes the resulting ASN.1 SEQUENCE"))


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
