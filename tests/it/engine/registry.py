"""Stands in for an image registry that asks who is there: one image of two layers, at one name, by tag and by digest. Whoever asks
for `/move` moves the tag to another image.
Whoever asks for `atlas-test/echo` is refused, and told again what credentials came with the request. It prints the digest
of its image, and then the header that it takes for the right one.

    registry.py PORT NAME USER PASSWORD

https://distribution.github.io/distribution/spec/api/
"""

import base64
import gzip
import hashlib
import http.server
import io
import json
import platform
import random
import sys
import tarfile

PORT, NAME, USER, PASSWORD = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
ALLOWED = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
ECHO = "atlas-test/echo"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def layer(name, size, seed):
    content = random.Random(seed).randbytes(size)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = size
        archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def image(seed):
    layers = [layer("first", 400_000, seed), layer("second", 900_000, seed + 1)]
    packed = [gzip.compress(content, mtime=0) for content in layers]
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    config = json.dumps(
        {
            "architecture": machine,
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest(content) for content in layers]},
        }
    ).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": len(config),
                "digest": digest(config),
            },
            "layers": [
                {
                    "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                    "size": len(content),
                    "digest": digest(content),
                }
                for content in packed
            ],
        }
    ).encode()
    return manifest, {digest(content): content for content in [config, *packed]}


# Other registries have other layers, which an engine would not fetch again.
IMAGES = [image(PORT * 4), image(PORT * 4 + 2)]
BLOBS = {name: content for _, blobs in IMAGES for name, content in blobs.items()}
MANIFESTS = {digest(manifest): manifest for manifest, _ in IMAGES}
TAG = [digest(IMAGES[0][0])]


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, content, kind="application/json", **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def do_GET(self):
        path = self.path.split("?")[0]
        if path == "/move":
            TAG[0] = digest(IMAGES[1][0])
            return self.answer(200, TAG[0].encode())
        if self.headers.get("Authorization") != ALLOWED:
            body = b'{"errors":[{"code":"UNAUTHORIZED","message":"who are you"}]}'
            return self.answer(401, body, WWW_Authenticate='Basic realm="stand-in"')
        if path in ("/v2/", "/v2"):
            return self.answer(200, b"{}")
        if path.startswith(f"/v2/{ECHO}/"):
            said = f"denied: you said Authorization: {self.headers['Authorization']}"
            return self.answer(403, json.dumps({"errors": [{"code": "DENIED", "message": said}]}).encode())
        reference = path.rsplit("/", 1)[-1]
        wanted = TAG[0] if reference == "1" else reference
        if path.startswith(f"/v2/{NAME}/manifests/") and wanted in MANIFESTS:
            return self.answer(200, MANIFESTS[wanted], MANIFEST, Docker_Content_Digest=wanted)
        if path.startswith(f"/v2/{NAME}/blobs/") and reference in BLOBS:
            return self.answer(200, BLOBS[reference], "application/octet-stream")
        self.answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Registry)
print(TAG[0], ALLOWED, sep="\n", flush=True)
server.serve_forever()
