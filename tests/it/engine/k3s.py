"""Stands in for k3s, where no image of it can be had.

A server writes the kubeconfig where k3s writes it, and answers what Atlas asks of its API: /readyz, nodes, the pods on one, and
persistent volumes, with a certificate of its own. It takes the certificate that is in its kubeconfig, or its token. Nodes join
the first server as k3s's do: by the token, and by a password of the node that has to stay the same as long as the node is
known, and of a server by its address as well; labels and taints count when it joins for the first time. What the API tells lies as files below `objects` in the data
folder of the first server, where a test can put some. Nothing else of Kubernetes is here; with STAND_IN_API, a port of the machine,
everything else is handed on to the API server of a test.

    k3s.py server [--data-dir FOLDER] [--https-listen-port PORT] [--cluster-init | --server URL] [--node-label K=V]...
    k3s.py agent
"""

import base64
import datetime
import errno
import http.client
import http.server
import ipaddress
import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import ssl
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request


def option(name, usual):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else usual


DATA = pathlib.Path(option("--data-dir", "/var/lib/rancher/k3s"))
PORT = int(option("--https-listen-port", 6443))
NAME = os.uname().nodename
PASSWORD = pathlib.Path("/etc/rancher/node/password")
LOCK = threading.RLock()


class Refused(Exception):
    def __init__(self, code, reason, message):
        super().__init__(message)
        self.code, self.reason = code, reason


# What the API knows: one file for each object.


def stored(sort):
    folder = DATA / "objects" / sort
    return [json.loads(one.read_text()) for one in sorted(folder.glob("*.json"))] if folder.exists() else []


def file_of(sort, name):
    return DATA / "objects" / sort / f"{name}.json"


def write(path, text):
    """Writes a file. Whoever is ended in the middle of it leaves no half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text)
    part.rename(path)


def put(sort, value):
    path = file_of(sort, value["metadata"]["name"])
    meta = value["metadata"]
    meta["resourceVersion"] = str(int(meta.get("resourceVersion", "0")) + 1)
    write(path, json.dumps(value))
    return value


def get(sort, name):
    path = file_of(sort, name)
    if not path.exists():
        raise Refused(404, "NotFound", f'{sort} "{name}" not found')
    return json.loads(path.read_text())


def merge(value, patch):
    for key, more in patch.items():
        if more is None:
            value.pop(key, None)
        elif isinstance(more, dict):
            merge(value.setdefault(key, {}), more)
        else:
            value[key] = more


def taint(text):
    pair, effect = text.rsplit(":", 1)
    key, _, value = pair.partition("=")
    return {"key": key, "value": value, "effect": effect}


def join(body):
    """A node joins, or says again that it is there."""
    name, known = body["name"], DATA / "passwords" / body["name"]
    if body["role"] == "server" and name != NAME:
        if not (DATA / "etcd").exists():
            raise Refused(400, "BadRequest", "the first server keeps its data alone")
        if (DATA / "left" / body["member"]).exists():
            raise Refused(410, "Gone", "this member was removed from the cluster")
        address = DATA / "addresses" / body["member"]
        if address.exists() and address.read_text() != body["address"]:
            raise Refused(400, "BadRequest", f"etcd knows this member at {address.read_text()}, not at {body['address']}")
        write(address, body["address"])
    if known.exists() and known.read_text() != body["password"]:
        raise Refused(403, "Forbidden", f"node password of {name} rejected")
    if not known.exists():
        write(known, body["password"])
    try:
        node = get("nodes", name)
    except Refused:
        labels = {"kubernetes.io/hostname": name, **dict(label.split("=", 1) for label in body["labels"])}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}
        node["spec"] = {"taints": [taint(one) for one in body["taints"]]}
    if node.get("boot") == body["boot"]:
        return
    before = node.get("status", {}).get("conditions", [{}])[0].get("lastHeartbeatTime", "")
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    if before:
        now = max(now, datetime.datetime.fromisoformat(before) + datetime.timedelta(seconds=1))
    ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": now.isoformat().replace("+00:00", "Z")}
    node.update(boot=body["boot"], member=body["member"], status={"conditions": [ready], "nodeInfo": {"kubeletVersion": body["version"]}})
    put("nodes", node)


def remove_node(name):
    node = get("nodes", name)
    file_of("nodes", name).unlink()
    (DATA / "passwords" / name).unlink(missing_ok=True)
    left = DATA / "left" / node["member"]
    left.parent.mkdir(parents=True, exist_ok=True)
    left.touch()
    return node


def listed(kind, items):
    return {"kind": f"{kind}List", "apiVersion": "v1", "metadata": {}, "items": items}


def answer(method, path, query, body):
    """What the API answers to a request."""
    parts = path.strip("/").split("/")
    match (method, parts):
        case ("GET", ["readyz"]):
            return "ok"
        case ("PUT", ["stand-in", "nodes"]):
            return join(body) or {}
        case ("GET", ["api", "v1", "nodes"]):
            return listed("Node", stored("nodes"))
        case ("GET", ["api", "v1", "nodes", name]):
            return get("nodes", name)
        case ("DELETE", ["api", "v1", "nodes", name]):
            return remove_node(name)
        case ("PATCH", ["api", "v1", "nodes", name]):
            node = get("nodes", name)
            wanted = body.get("metadata", {}).pop("resourceVersion", None)
            if wanted not in (None, node["metadata"]["resourceVersion"]):
                raise Refused(409, "Conflict", "the object has been modified")
            merge(node, body)
            return put("nodes", node)
        case ("GET", ["api", "v1", "pods"]):
            where = query.get("fieldSelector", [""])[0].removeprefix("spec.nodeName=")
            return listed("Pod", [pod for pod in stored("pods") if pod["spec"]["nodeName"] == where])
        case ("POST", ["api", "v1", "namespaces", _, "pods", name, "eviction"]):
            if "budget" in get("pods", name)["metadata"].get("labels", {}):
                raise Refused(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.")
            file_of("pods", name).unlink()
            return {"kind": "Status", "apiVersion": "v1", "status": "Success", "code": 201}
        case ("PATCH", ["api", "v1", "namespaces", "kube-system", "configmaps", name]):
            try:
                config = get("configmaps", name)
            except Refused:
                config = {}
            merge(config, body)
            return put("configmaps", config)
        case ("GET", ["api", "v1", "persistentvolumes"]):
            return listed("PersistentVolume", stored("persistentvolumes"))
    raise Refused(404, "NotFound", f"{method} {path} is not here")


# What the stand-in knows of itself.
OWN = (
    "/readyz",
    "/api/v1/nodes",
    "/api/v1/pods",
    "/api/v1/persistentvolumes",
    "/api/v1/namespaces/kube-system/configmaps/coredns-custom",
    "/stand-in/",
)


def gateway():
    """The address of the machine in the network of this container."""
    for line in pathlib.Path("/proc/net/route").read_text().splitlines()[1:]:
        _, destination, address, *_ = line.split()
        if destination == "00000000":
            return ".".join(str(byte) for byte in reversed(bytes.fromhex(address)))
    return "127.0.0.1"


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do(self):
        length = int(self.headers.get("Content-Length", 0))
        raw = self.rfile.read(length)
        known = self.headers.get("Authorization", "") == f"Bearer {os.environ['K3S_TOKEN']}"
        try:
            if self.path == "/stand-in/hello":
                return self.send(200, b"hello")
            if not known and not self.connection.getpeercert():
                raise Refused(401, "Unauthorized", "Unauthorized")
            first = option("--server", None)
            if first:
                status, content = ask(first, self.command, self.path, raw)
                return self.send(status, content)
            url = urllib.parse.urlsplit(self.path)
            if "STAND_IN_API" in os.environ and not url.path.startswith(OWN):
                return self.forward(raw)
            body = json.loads(raw) if raw else None
            with LOCK:
                found = answer(self.command, url.path, urllib.parse.parse_qs(url.query), body)
            self.send(200, found.encode() if isinstance(found, str) else json.dumps(found).encode())
        except Refused as refused:
            status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": refused.reason}
            self.send(refused.code, json.dumps({**status, "message": str(refused), "code": refused.code}).encode())
        except OSError as error:
            self.send(503, str(error).encode())

    def forward(self, raw):
        """Hands on what this stand-in knows nothing of to an API server of the test, on the machine behind the gateway."""
        to = http.client.HTTPConnection(gateway(), int(os.environ["STAND_IN_API"]), timeout=10)
        headers = {name: self.headers[name] for name in ("Content-Type", "Accept") if name in self.headers}
        to.request(self.command, self.path, body=raw or None, headers=headers)
        found = to.getresponse()
        self.send(found.status, found.read())

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do

    def send(self, status, content):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def ask(server, method, path, content):
    """Asks the first server; the status and what it says."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    headers = {"Authorization": f"Bearer {os.environ['K3S_TOKEN']}", "Content-Type": "application/json"}
    request = urllib.request.Request(server + path, data=content or None, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=3, context=context) as found:
            return found.status, found.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def certificate(name, signer=None, signer_key=None, names=()):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
    )
    if names:
        names = [x509.IPAddress(ipaddress.ip_address(one)) if one[0].isdigit() else x509.DNSName(one) for one in names]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = builder.sign(signer_key or key, hashes.SHA256())
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made, key, pem, secret


def server():
    DATA.mkdir(parents=True, exist_ok=True)
    token = DATA / "token"
    if token.exists() and token.read_text() != os.environ["K3S_TOKEN"]:
        sys.exit("the data was made with another token")
    write(token, os.environ["K3S_TOKEN"])
    # Data that one server kept alone is taken over when it begins to keep it together with others.
    if "--cluster-init" in sys.argv:
        (DATA / "etcd").touch()
    # What a server keeps in its data folder tells whether that outlives its container.
    born = DATA / "born"
    if not born.exists():
        write(born, NAME)
    serve()


def serve():
    authority, authority_key, authority_pem, _ = certificate("k3s-server-ca")
    _, _, pem, key = certificate("k3s", authority, authority_key, ["127.0.0.1", "localhost"])
    _, _, client_pem, client_key = certificate("system:admin", authority, authority_key)
    folder = pathlib.Path(tempfile.mkdtemp())
    for name, content in [("ca.pem", authority_pem), ("server.pem", pem + key)]:
        folder.joinpath(name).write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    shutil.rmtree(folder)
    api = http.server.ThreadingHTTPServer(("0.0.0.0", PORT), Api)
    api.socket = context.wrap_socket(api.socket, server_side=True)
    threading.Thread(target=api.serve_forever, daemon=True).start()
    text = lambda pem: base64.b64encode(pem).decode()
    output = pathlib.Path(os.environ["K3S_KUBECONFIG_OUTPUT"])
    output.parent.mkdir(parents=True, exist_ok=True)
    # Whoever waits for it never sees half of it.
    part = output.with_suffix(".part")
    part.write_text(
        f"""apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {text(authority_pem)}
    server: https://127.0.0.1:{PORT}
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
preferences: {{}}
users:
- name: default
  user:
    client-certificate-data: {text(client_pem)}
    client-key-data: {text(client_key)}
"""
    )
    part.rename(output)


class Hello(http.server.BaseHTTPRequestHandler):
    """What answers at port 80 of every node: its name."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(NAME)))
        self.end_headers()
        self.wfile.write(NAME.encode())

    def log_message(self, *_):
        pass


def own_address():
    """The address that the engine gave this node. No name server is asked, as it may not answer yet."""
    for line in pathlib.Path("/etc/hosts").read_text().splitlines():
        address, *names = line.split("#")[0].split() or [""]
        if NAME in names:
            return address
    return ""


def node(role):
    """Joins the first server, and says again and again that it is there."""
    try:
        hello = http.server.ThreadingHTTPServer(("0.0.0.0", 80), Hello)
        threading.Thread(target=hello.serve_forever, daemon=True).start()
    except OSError as error:
        # Nodes that are no containers share the machine's ports. Only one of them can say hello.
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
    DATA.mkdir(parents=True, exist_ok=True)
    member = DATA / "member"
    for path in [member, PASSWORD]:
        if not path.exists():
            write(path, secrets.token_hex(16))
    after = lambda word: [one.removeprefix(word) for one in sys.argv if one.startswith(word)]
    body = {
        "name": NAME,
        "role": role,
        "boot": secrets.token_hex(8),
        "address": own_address(),
        "member": member.read_text(),
        "password": PASSWORD.read_text(),
        "labels": after("--node-label="),
        "taints": after("--node-taint="),
        "version": os.environ.get("K3S_VERSION", "1"),
    }
    first = option("--server", os.environ.get("K3S_URL"))
    while True:
        try:
            if first:
                status, said = ask(first, "PUT", "/stand-in/nodes", json.dumps(body).encode())
                if status in (400, 410):
                    sys.exit(said.decode())
                if status != 200:
                    print(said.decode(), flush=True)
            else:
                with LOCK:
                    join(body)
        except (OSError, Refused) as error:
            print(error, flush=True)
        time.sleep(0.3)


def main():
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    assert os.environ["K3S_TOKEN"], "a node needs its token"
    if sys.argv[1] == "server":
        server()
    else:
        assert os.environ["K3S_URL"].startswith("https://"), "an agent needs its server"
    node(sys.argv[1])


main()
