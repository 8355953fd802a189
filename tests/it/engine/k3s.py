"""Stands in for k3s: writes the kubeconfig where k3s writes it, and answers /readyz with a certificate of its own.

It takes the certificate that is in its kubeconfig, or its token. An agent only stays. Nothing else of Kubernetes is here.

    k3s.py server [--data-dir FOLDER] [--https-listen-port PORT]
"""

import base64
import datetime
import http.server
import ipaddress
import os
import pathlib
import shutil
import signal
import ssl
import sys
import tempfile
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

def option(name, usual):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else usual


DATA = pathlib.Path(option("--data-dir", "/var/lib/rancher/k3s"))
PORT = int(option("--https-listen-port", 6443))


def certificate(name, signer=None, signer_key=None, names=()):
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
        builder = builder.add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
    made = builder.sign(signer_key or key, hashes.SHA256())
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made, key, pem, secret


class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        known = self.headers.get("Authorization", "") == f"Bearer {os.environ['K3S_TOKEN']}"
        status = 404 if self.path != "/readyz" else 200 if known or self.connection.getpeercert() else 401
        body = b"ok"
        if status == 401:
            body = b'{"kind":"Status","apiVersion":"v1","status":"Failure","message":"Unauthorized","code":401}'
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def server():
    authority, authority_key, authority_pem, _ = certificate("k3s-server-ca")
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    _, _, pem, key = certificate("k3s", authority, authority_key, names)
    _, _, client_pem, client_key = certificate("system:admin", authority, authority_key)
    folder = pathlib.Path(tempfile.mkdtemp())
    for name, content in [("ca.pem", authority_pem), ("server.pem", pem + key)]:
        folder.joinpath(name).write_bytes(content)
    # What a server keeps in its data folder tells whether that outlives its container.
    DATA.mkdir(parents=True, exist_ok=True)
    born = DATA / "born"
    if not born.exists():
        born.write_text(os.uname().nodename)
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


def main():
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    assert os.environ["K3S_TOKEN"], "a node needs its token"
    if sys.argv[1] == "server":
        server()
    else:
        assert os.environ["K3S_URL"].startswith("https://"), "an agent needs its server"
    threading.Event().wait()


main()
