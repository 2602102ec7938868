"""
The part of S3 that evidence needs: objects put once, read and deleted, in requests whose signature is checked.

Source: AWS Signature Version 4 for S3, `PutObject` with `If-None-Match` and `x-amz-checksum-sha256`, `GetObject`,
`HeadObject`, `DeleteObjects`, `CreateMultipartUpload`, `UploadPart`, `CompleteMultipartUpload`.
"""

import hashlib
import hmac
import re
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import quote

from aiohttp import web

_KEY = re.compile(r"<Key>([^<]+)</Key>")


@dataclass
class Buckets:
    """
    Answers as S3 does, path-style. `status`, where set, answers every request; `refuses` names methods.

    `parts` are those of uploads that have not ended, by upload and number.
    """

    access_key: str = "AKIDEXAMPLE"
    secret_key: str = "hush-secret"
    region: str = "eu-central-1"
    bucket: str = "evidence"
    objects: dict[str, bytes] = field(default_factory=dict)
    puts: int = 0
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    status: int = 0
    refuses: frozenset[str] = frozenset()

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        """Answer one request."""
        body = await request.read()
        if self.status:
            return _error(self.status, "InternalError")
        if not self._signed(request, body):
            return _error(403, "SignatureDoesNotMatch")
        bucket, _, key = request.path.lstrip("/").partition("/")
        if bucket != self.bucket:
            return _error(404, "NoSuchBucket")
        if request.method in self.refuses:
            return _error(403, "AccessDenied")
        if "uploads" in request.query or "uploadId" in request.query:
            return self._upload(request, key, body)
        if request.method in ("GET", "HEAD"):
            return _object(self.objects[key]) if key in self.objects else _error(404, "NoSuchKey")
        if request.method == "POST" and "delete" in request.query:
            for gone in _KEY.findall(body.decode()):
                self.objects.pop(gone, None)
            return web.Response(text='<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>')
        if request.method != "PUT":
            return _error(405, "MethodNotAllowed")
        self.puts += 1
        if request.headers["x-amz-checksum-sha256"] != b64encode(hashlib.sha256(body).digest()).decode():
            return _error(400, "BadDigest")
        if key in self.objects and request.headers.get("If-None-Match") == "*":
            return _error(412, "PreconditionFailed")
        self.objects[key] = body
        return web.Response(headers={"ETag": f'"{hashlib.md5(body).hexdigest()}"'})

    def _upload(self, request: web.BaseRequest, key: str, body: bytes) -> web.Response:
        """Take a file in parts. An upload that ends is an object."""
        if request.method == "POST" and "uploads" in request.query:
            upload = f"upload{len(self.parts) + 1}"
            self.parts[upload] = {}
            return _xml(f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>")
        upload = request.query["uploadId"]
        if request.method == "PUT":
            self.sizes.append(len(body))
            self.parts[upload][int(request.query["partNumber"])] = body
            return web.Response(headers={"ETag": f'"{hashlib.md5(body).hexdigest()}"'})
        parts = self.parts.pop(upload)
        if request.method == "DELETE":
            return web.Response(status=204)
        self.objects[key] = b"".join(parts[number] for number in sorted(parts))
        return _xml('<CompleteMultipartUploadResult><ETag>"x"</ETag></CompleteMultipartUploadResult>')

    def _signed(self, request: web.BaseRequest, body: bytes) -> bool:
        scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
        parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
        scope = parts.get("Credential", "").split("/")
        if (
            scheme != "AWS4-HMAC-SHA256"
            or scope[0] != self.access_key
            or scope[2:] != [self.region, "s3", "aws4_request"]
        ):
            return False
        claimed = request.headers["x-amz-content-sha256"]
        if claimed != "UNSIGNED-PAYLOAD" and claimed != hashlib.sha256(body).hexdigest():
            return False
        names = parts["SignedHeaders"].split(";")
        headers = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in names)
        path = quote(request.path, safe="/-_.~")
        query = "&".join(f"{name}={value}" for name, value in sorted(request.query.items()))
        canonical = "\n".join((request.method, path, query, headers, ";".join(names), claimed))
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = "\n".join((scheme, request.headers["x-amz-date"], "/".join(scope[1:]), digest))
        key = f"AWS4{self.secret_key}".encode()
        for word in scope[1:]:
            key = hmac.digest(key, word.encode(), "sha256")
        return hmac.digest(key, text.encode(), "sha256").hex() == parts["Signature"]


def _object(content: bytes) -> web.Response:
    headers = {"ETag": f'"{hashlib.md5(content).hexdigest()}"', "Last-Modified": "Sat, 21 Nov 2026 12:00:00 GMT"}
    return web.Response(body=content, headers=headers)


def _xml(text: str) -> web.Response:
    return web.Response(text=f'<?xml version="1.0" encoding="UTF-8"?>{text}', content_type="application/xml")


def _error(status: int, code: str) -> web.Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
    return web.Response(status=status, text=text, content_type="application/xml")
