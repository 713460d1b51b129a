"""The documents as data: their code blocks, links, headings and the commands that they tell people to type.

``test_documents`` holds them against the API server and the code. A YAML block is a whole manifest unless its fence
says otherwise: ``yaml fragment`` is a part of one, ``yaml values`` is for the chart.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
_FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>`{3,})(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)(?P=fence) *$",
    re.MULTILINE | re.DOTALL,
)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(?P<text>.+?) *$", re.MULTILINE)
_NOT_IN_AN_ANCHOR = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; ``line`` is where its content begins."""

    document: str
    line: int
    info: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


@dataclass(frozen=True, slots=True)
class Document:
    """One Markdown file; ``name`` is its path from the root of the repository."""

    name: str
    text: str

    @property
    def blocks(self) -> list[Block]:
        return [
            Block(
                document=self.name,
                line=self.text.count("\n", 0, found.start("body")) + 1,
                info=found["info"].strip(),
                text=found["body"],
            )
            for found in _FENCE.finditer(self.text)
        ]

    @property
    def prose(self) -> str:
        """The text without its blocks."""
        return _FENCE.sub("", self.text)

    @property
    def links(self) -> list[str]:
        """Where its links lead within the repository: a path, a path with an anchor, or an anchor."""
        plain = _INLINE.sub("code", self.prose)
        targets = [found["target"] for found in _LINK.finditer(plain)]
        return [target for target in targets if "://" not in target and not target.startswith("mailto:")]

    @property
    def anchors(self) -> set[str]:
        """Its headings, as GitHub turns them into anchors."""
        titles = [found["text"].lower() for found in _HEADING.finditer(self.prose)]
        return {_NOT_IN_AN_ANCHOR.sub("", title).replace(" ", "-") for title in titles}

    @property
    def commands(self) -> Iterator[str]:
        """What it tells people to type: the lines of shell blocks, and code within sentences."""
        for block in self.blocks:
            if block.info in {"sh", "console"}:
                joined = block.text.replace("\\\n", " ")
                shown = [line.removeprefix("$ ") for line in joined.splitlines() if line.startswith("$ ")]
                yield from shown if block.info == "console" else joined.splitlines()
        yield from _INLINE.findall(self.prose)


def documents() -> list[Document]:
    """All that people read, the generated reference included."""
    paths = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return [Document(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) for path in sorted(paths)]


def yaml_blocks(info: str) -> list[Block]:
    """The blocks of one kind in all documents."""
    return [block for document in documents() for block in document.blocks if block.info == info]
