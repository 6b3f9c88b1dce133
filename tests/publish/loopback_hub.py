"""A small Hub on the loopback interface: the endpoints that the real `huggingface_hub` client uses, and faults on demand.

Large files go through the LFS batch protocol with upload addresses of their own, as on the real Hub.
"""

import base64
import hashlib
import io
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.publish.hub_state import SIGNATURE, Hub, Repository, git_hash

ROUTES = (
    ("create", "POST", r"/api/repos/create"),
    ("info", "GET", r"/api/datasets/(?P<name>[^/]+/[^/]+)(?:/revision/(?P<revision>[^/]+))?"),
    ("tree", "GET", r"/api/datasets/(?P<name>[^/]+/[^/]+)/tree/(?P<revision>[^/]+)(?:/(?P<path>.+))?"),
    ("paths", "POST", r"/api/datasets/(?P<name>[^/]+/[^/]+)/paths-info/(?P<revision>[^/]+)"),
    ("refs", "GET", r"/api/datasets/(?P<name>[^/]+/[^/]+)/refs"),
    ("yaml", "POST", r"/api/validate-yaml"),
    ("preupload", "POST", r"/api/datasets/(?P<name>[^/]+/[^/]+)/preupload/(?P<revision>[^/]+)"),
    ("batch", "POST", r"/datasets/(?P<name>[^/]+/[^/]+)\.git/info/lfs/objects/batch"),
    ("upload", "PUT", r"/lfs/(?P<oid>[0-9a-f]{64})"),
    ("part", "PUT", r"/lfs-part/(?P<oid>[0-9a-f]{64})/(?P<number>\d+)"),
    ("complete", "POST", r"/lfs-complete/(?P<oid>[0-9a-f]{64})"),
    ("verify", "POST", r"/lfs-verify/(?P<oid>[0-9a-f]{64})"),
    ("commit", "POST", r"/api/datasets/(?P<name>[^/]+/[^/]+)/commit/(?P<revision>[^/]+)"),
    ("tag", "POST", r"/api/datasets/(?P<name>[^/]+/[^/]+)/tag/(?P<revision>[^/]+)"),
    ("resolve", "GET", r"/datasets/(?P<name>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)"),
    ("resolve", "HEAD", r"/datasets/(?P<name>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)"),
)


class Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # one segment an answer: two would wait for each other (Nagle, delayed acknowledgement)

    def log_message(self, *arguments: Any) -> None:
        pass

    def _serve(self) -> None:
        address = urlsplit(self.path)
        body = self._body()
        self.query = parse_qs(address.query)
        matches = ((step, re.fullmatch(pattern, unquote(address.path))) for step, method, pattern in ROUTES if method == self.command)
        step, match = next(((step, match) for step, match in matches if match), ("", None))
        with self.hub.lock:
            self.hub.requests.append(f"{self.command} {self.path}")
            self.hub.seen[step] += 1
            fault = self.hub.faults.get(step)
            if match is None:
                self._reply(404, {"error": "no such endpoint"})
            elif fault and fault[0] > 0 and self.hub.seen[step] > self.hub.after.get(step, 0):
                fault[0] -= 1
                self._fail(step, fault[1], body, match)
            else:
                getattr(self, f"_{step}")(body, **match.groupdict())

    do_GET = do_POST = do_PUT = do_HEAD = _serve  # noqa: N815

    def _fail(self, step: str, status: int, body: bytes, match: Any) -> None:
        if status == -1:  # done, but the answer is lost
            self.wfile, real = io.BytesIO(), self.wfile
            getattr(self, f"_{step}")(body, **match.groupdict())
            self.wfile = real
        if status <= 0:
            self.close_connection = True
            self.connection.close()
            return
        # The real client waits a second more than it is asked to.
        self._reply(status, {"error": "on purpose"}, {"Retry-After": self.hub.retry_after})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline().strip() or b"0", 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _reply(self, status: int, value: Any = None, headers: dict[str, str] | None = None, content: bytes | None = None) -> None:
        data = content if content is not None else json.dumps(value).encode()
        self.send_response(status)
        for key, text in {"Content-Type": "application/json", "Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(key, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _identity(self) -> str | None:
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None

    def _found(self, name: str) -> Repository | None:
        """Return a repository that this reader may see; answer 404 as the Hub does where there is none."""
        if self._identity() not in (None, self.hub.token):
            self._reply(401, {"error": "Invalid credentials in Authorization header"})
            return None
        repository = self.hub.repositories.get(name)
        if repository is None or (repository.private and self._identity() is None):
            self._reply(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
            return None
        return repository

    def _allowed(self) -> bool:
        if self._identity() != self.hub.token:
            self._reply(401, {"error": "Invalid username or password."})
        elif not self.hub.may_write:
            self._reply(403, {"error": "You don't have the rights to do that"})
        else:
            return True
        return False

    def _create(self, body: bytes) -> None:
        asked = json.loads(body)
        name = f"{asked['organization']}/{asked['name']}"
        if self._allowed():
            if name in self.hub.repositories:
                self._reply(409, {"error": "You already created this repo", "url": f"{self.hub.url}/datasets/{name}"})
                return
            self.hub.repositories[name] = Repository(asked.get("visibility") == "private")
            self.hub.repositories[name].commit({".gitattributes": b"*.parquet filter=lfs\n"}, frozenset())
            self._reply(200, {"url": f"{self.hub.url}/datasets/{name}", "name": name, "id": name})

    def _info(self, body: bytes, name: str, revision: str | None) -> None:
        repository = self._found(name)
        if repository:
            oid, files, _ = repository.at(revision or "main")
            siblings = [{"rfilename": path} for path in sorted(files)]
            about = {"id": name, "sha": oid, "private": repository.private, "siblings": siblings}
            self._reply(200, {**about, "gated": False, "disabled": False, "tags": []})

    def _entry(self, path: str, content: bytes, large: frozenset[str]) -> dict[str, Any]:
        entry = {"type": "file", "oid": git_hash(content), "size": len(content), "path": path}
        if path in large:
            entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
        return entry

    def _tree(self, body: bytes, name: str, revision: str, path: str | None) -> None:
        repository = self._found(name)
        if repository is None:
            return
        _, files, large = repository.at(revision)
        prefix = f"{path}/" if path else ""
        recursive = self.query.get("recursive", ["false"])[0].lower() in ("true", "1")
        inside = {p: c for p, c in sorted(files.items()) if p.startswith(prefix)}
        folders = {prefix + p.removeprefix(prefix).split("/")[0] for p in inside if "/" in p.removeprefix(prefix)}
        if path and not inside:
            self._reply(404, {"error": "not found"}, {"X-Error-Code": "EntryNotFound"})
            return
        shown = [self._entry(p, c, large) for p, c in inside.items() if recursive or "/" not in p.removeprefix(prefix)]
        self._reply(200, [{"type": "directory", "oid": "0" * 40, "size": 0, "path": folder} for folder in sorted(folders)] + shown)

    def _paths(self, body: bytes, name: str, revision: str) -> None:
        repository = self._found(name)
        if repository is None:
            return
        _, files, large = repository.at(revision)
        asked = json.loads(body)["paths"] if body.startswith(b"{") else parse_qs(body.decode())["paths"]
        found = [self._entry(p, files[p], large) for p in asked if p in files]
        folders = [p for p in asked if p not in files and any(f.startswith(f"{p}/") for f in files)]
        self._reply(200, found + [{"type": "directory", "oid": "0" * 40, "size": 0, "path": p} for p in folders])

    def _refs(self, body: bytes, name: str) -> None:
        repository = self._found(name)
        if repository:
            branches = [{"name": "main", "ref": "refs/heads/main", "targetCommit": repository.commits[-1][0]}]
            tags = [{"name": tag, "ref": f"refs/tags/{tag}", "targetCommit": oid} for tag, oid in repository.tags.items()]
            self._reply(200, {"branches": branches, "converts": [], "tags": tags})

    def _yaml(self, body: bytes) -> None:
        self._reply(200, {"errors": [], "warnings": []})

    def _preupload(self, body: bytes, name: str, revision: str) -> None:
        if not self._allowed():
            return
        _, files, large = self.hub.repositories[name].at(revision)
        answers = []
        for file in json.loads(body)["files"]:
            mode = "lfs" if file["path"].endswith(".parquet") else "regular"
            known = files.get(file["path"])
            oid = None if known is None else hashlib.sha256(known).hexdigest() if file["path"] in large else git_hash(known)
            answers.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        self._reply(200, {"files": answers})

    def _batch(self, body: bytes, name: str) -> None:
        if not self._allowed():
            return
        answers = []
        for item in json.loads(body)["objects"]:
            answer = {"oid": item["oid"], "size": item["size"]}
            if item["oid"] not in self.hub.objects:
                answer["actions"] = {
                    "upload": self._upload_action(item["oid"], item["size"]),
                    "verify": {"href": f"{self.hub.url}/lfs-verify/{item['oid']}"},
                }
            answers.append(answer)
        self._reply(200, {"transfer": "basic", "objects": answers})

    def _upload_action(self, oid: str, size: int) -> dict[str, Any]:
        """Ask for the file in one piece, or in parts with an address each, as the Hub does for large ones."""
        chunk = self.hub.chunk_size
        if chunk is None or size <= chunk:
            return {"href": f"{self.hub.url}/lfs/{oid}?X-Amz-Signature={SIGNATURE}"}
        parts = {str(k): f"{self.hub.url}/lfs-part/{oid}/{k}?X-Amz-Signature={SIGNATURE}" for k in range(1, -(-size // chunk) + 1)}
        return {"href": f"{self.hub.url}/lfs-complete/{oid}", "header": {"chunk_size": str(chunk), **parts}}

    def _part(self, body: bytes, oid: str, number: str) -> None:
        self.hub.parts.setdefault(oid, {})[int(number)] = body
        self._reply(200, {}, {"ETag": hashlib.md5(body, usedforsecurity=False).hexdigest()})

    def _complete(self, body: bytes, oid: str) -> None:
        kept = self.hub.parts[oid]
        listed = [part["partNumber"] for part in json.loads(body)["parts"]]
        self._upload(b"".join(kept[number] for number in listed), oid)

    def _upload(self, body: bytes, oid: str) -> None:
        if hashlib.sha256(body).hexdigest() != oid:
            self._reply(400, {"error": "the bytes are not those of the hash"})
            return
        self.hub.objects[oid] = body
        self._reply(200, {})

    def _verify(self, body: bytes, oid: str) -> None:
        self._reply(200 if oid in self.hub.objects else 404, {})

    def _commit(self, body: bytes, name: str, revision: str) -> None:
        if not self._allowed():
            return
        repository = self.hub.repositories[name]
        oid, files, large = repository.at(revision)
        files, large = dict(files), set(large)
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "header":
                if value.get("parentCommit") not in (None, oid):
                    self._reply(412, {"error": "A commit has happened since. Please refresh and try again."})
                    return
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
                large.discard(value["path"])
            elif line["key"] == "lfsFile":
                if value["oid"] not in self.hub.objects:
                    self._reply(400, {"error": "an LFS object is missing"})
                    return
                files[value["path"]] = self.hub.objects[value["oid"]]
                large.add(value["path"])
            else:
                del files[value["path"]]
        new = repository.commit(files, frozenset(large & set(files)))
        self._reply(200, {"commitUrl": f"{self.hub.url}/datasets/{name}/commit/{new}", "commitOid": new, "success": True})

    def _tag(self, body: bytes, name: str, revision: str) -> None:
        if not self._allowed():
            return
        repository = self.hub.repositories[name]
        tag = json.loads(body)["tag"]
        if tag in repository.tags:
            self._reply(409, {"error": "Tag reference exists already"})
            return
        repository.tags[tag] = repository.at(revision)[0]
        self._reply(200, {})

    def _resolve(self, body: bytes, name: str, revision: str, path: str) -> None:
        repository = self._found(name)
        if repository is None:
            return
        oid, files, large = repository.at(revision)
        if path not in files:
            self._reply(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": oid})
            return
        content = files[path]
        tag = hashlib.sha256(content).hexdigest() if path in large else git_hash(content)
        headers = {"ETag": f'"{tag}"', "X-Repo-Commit": oid, "Accept-Ranges": "bytes", "X-Linked-Size": str(len(content))}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if wanted:
            first, last = int(wanted[1]), min(int(wanted[2] or len(content) - 1), len(content) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            self._reply(206, None, headers, content[first : last + 1])
            return
        self._reply(200, None, headers, content)


@contextmanager
def loopback_hub() -> Iterator[Hub]:
    """Serve a Hub until the block ends."""
    hub = Hub()
    handler = type("HubHandler", (Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield hub
        server.shutdown()
