"""An OCI image archive (image-spec 1.1): layers as plain tars, a config and a manifest, found by their digests."""

import gzip
import hashlib
import io
import json
import stat
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"

COMPRESSION = 6
EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Blob:
    """Content under its digest."""

    kind: str
    content: bytes

    @property
    def digest(self) -> str:
        """As the specification writes it."""
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"

    @property
    def descriptor(self) -> dict[str, Any]:
        """How others refer to it."""
        return {"mediaType": self.kind, "digest": self.digest, "size": len(self.content)}


@dataclass(frozen=True, slots=True)
class Layer:
    """A folder, packed: ``diff_id`` is the digest before compression, ``size`` what it takes unpacked."""

    blob: Blob
    diff_id: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A finished image."""

    layers: tuple[Layer, ...]
    manifest: Blob
    config: Blob

    @property
    def digest(self) -> str:
        """By which a chart or a Pod may name it."""
        return self.manifest.digest

    @property
    def unpacked_size(self) -> int:
        """Bytes on a node."""
        return sum(layer.size for layer in self.layers)

    def write(self, path: Path, *, name: str) -> None:
        """The archive, under the name by which ``ctr images import`` and ``docker load`` will know it."""
        entry = self.manifest.descriptor | {
            "annotations": {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name},
        }
        index = _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]})
        blobs = (self.manifest, self.config, *(layer.blob for layer in self.layers))
        with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
            _add(archive, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
            _add(archive, "index.json", index)
            for blob in blobs:
                _add(archive, f"blobs/{blob.digest.replace(':', '/')}", blob.content)


def packed(root: Path) -> Layer:
    """A folder as a layer: sorted, owned by root, without times."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in _sorted(root):
            _add_file(tar, path, str(path.relative_to(root)))
    content = plain.getvalue()
    size = sum(path.lstat().st_size for path in _sorted(root) if path.is_file() and not path.is_symlink())
    blob = Blob(LAYER, gzip.compress(content, COMPRESSION, mtime=0))
    return Layer(blob, f"sha256:{hashlib.sha256(content).hexdigest()}", size)


def image(layers: Iterable[Layer], *, run: Mapping[str, Any], labels: Mapping[str, str], architecture: str) -> Image:
    """An image of these layers, the lowest first; ``run`` is the config of the container."""
    layers = tuple(layers)
    config = Blob(
        CONFIG,
        _json(
            {
                "created": EPOCH,
                "architecture": architecture,
                "os": "linux",
                "config": {**run, "Labels": dict(labels)},
                "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
                "history": [{"created": EPOCH, "created_by": "make image"} for _ in layers],
            }
        ),
    )
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor,
        "layers": [layer.blob.descriptor for layer in layers],
        "annotations": dict(labels),
    }
    return Image(layers=layers, manifest=Blob(MANIFEST, _json(manifest)), config=config)


def _sorted(root: Path) -> Iterator[Path]:
    """Parents before their children, always in the same order."""
    for path in sorted(root.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _sorted(path)


def _add_file(tar: tarfile.TarFile, path: Path, name: str) -> None:
    info = tarfile.TarInfo(name)
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, str(path.readlink()), 0o777
        tar.addfile(info)
    elif stat.S_ISDIR(mode):
        info.type, info.mode = tarfile.DIRTYPE, 0o1777 if mode & stat.S_ISVTX else 0o755
        tar.addfile(info)
    else:
        content = path.read_bytes()
        info.size, info.mode = len(content), 0o755 if mode & stat.S_IXUSR else 0o644
        tar.addfile(info, io.BytesIO(content))


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o644
    archive.addfile(info, io.BytesIO(content))


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
