"""A sign-in app that checks its state and nothing else, and misbehaves as a process: app.py PORT MODE."""

import base64
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import Request, urlopen

port, mode = int(sys.argv[1]), sys.argv[2]
issuer, client, secret = (os.environ[name] for name in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET"))
callback = f"http://localhost:{port}/callback"
sessions = {}


def shout():
    while True:
        os.write(1, b"noise " * 10_000 + b"\n")


class App(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/login":
            return self.login()
        if url.path == "/callback":
            return self.callback(query)
        user = sessions.get(self.cookie("session"))
        if url.path == "/me" and user is None:
            return self.answer(401, "nobody")
        self.answer(200, user or "home")

    def login(self):
        state = secrets.token_urlsafe(16)
        parameters = {
            "client_id": client, "redirect_uri": callback, "response_type": "code", "scope": "openid email",
            "state": state, "nonce": secrets.token_urlsafe(16),
        }
        self.answer(302, "", Location=f"{issuer}/v1/authorize?{urlencode(parameters)}", Set_Cookie=f"state={state}")

    def callback(self, query):
        if "state" not in query and mode == "dies":
            print("Segmentation fault", flush=True)
            os._exit(139)
        if not query.get("code") or query.get("state") != self.cookie("state"):
            return self.answer(400, "refused")
        form = {"grant_type": "authorization_code", "code": query["code"], "redirect_uri": callback}
        basic = base64.b64encode(f"{client}:{secret}".encode()).decode()
        request = Request(f"{issuer}/v1/token", urlencode(form).encode(), {"Authorization": f"Basic {basic}"})
        with urlopen(request, timeout=10) as response:
            payload = json.load(response)["id_token"].split(".")[1]
        session = secrets.token_urlsafe(16)
        sessions[session] = json.loads(base64.urlsafe_b64decode(payload + "=="))["email"]
        self.answer(302, "", Location="/me", Set_Cookie=f"session={session}; HttpOnly; SameSite=Lax")

    def cookie(self, name):
        pairs = (pair.strip().partition("=") for pair in self.headers.get("Cookie", "").split(";"))
        return next((value for found, _, value in pairs if found == name), None)

    def answer(self, status, text, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


if mode == "starts-not":
    sys.exit("no licence found")
if mode == "prints":
    threading.Thread(target=shout, daemon=True).start()
if mode == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if mode == "children":
    subprocess.Popen(["sh", "-c", "trap '' TERM; while :; do sleep 1; done", "the-child"])
ThreadingHTTPServer(("127.0.0.1", port), App).serve_forever()
