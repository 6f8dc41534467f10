#!/usr/bin/env python3
"""Takes Relevo's events, and verifies who sent them: receive.py PORT

RELEVO_SECRET is the endpoint's secret, whsec_… Needs nothing but Python 3.8 or
later. It prints one event per line. It listens on this machine alone: put your
web server, which has the certificate, in front of it.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import sys
import threading
import time

TOLERANCE = 5 * 60  # seconds
MOST = 1 << 20  # bytes of a body


def verified(secret, headers, body):
    """Returns the event's id, or None where Relevo did not sign it (https://www.standardwebhooks.com)."""
    event_id = headers.get("webhook-id") or ""
    timestamp = headers.get("webhook-timestamp") or ""
    if not event_id or not (timestamp.isascii() and timestamp.isdigit()):
        return None
    if abs(time.time() - int(timestamp)) > TOLERANCE:
        return None
    key = base64.b64decode(secret[len("whsec_"):])
    signed = b"%s.%s.%s" % (event_id.encode("latin-1"), timestamp.encode(), body)
    want = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    # While the secret is replaced there are two signatures.
    signatures = (headers.get("webhook-signature") or "").encode("latin-1").split(b" ")
    return event_id if any([hmac.compare_digest(one, want) for one in signatures]) else None


class Receiver(http.server.BaseHTTPRequestHandler):
    """Answers at once. Work that takes longer than some seconds belongs into a queue."""

    secret = ""
    seen = set()  # ids of events that were taken; use your database, a restart forgets these
    one = threading.Lock()

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= MOST:
            return self.answer(413)
        body = self.rfile.read(length)  # as it came: it is verified byte for byte
        event_id = verified(self.secret, self.headers, body)
        if event_id is None:
            return self.answer(401)
        with self.one:
            if event_id not in self.seen:  # an event may come twice
                print(json.dumps(json.loads(body), ensure_ascii=False), flush=True)
            self.seen.add(event_id)
        return self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        """Logs nothing."""


def main():
    Receiver.secret = os.environ.get("RELEVO_SECRET", "")
    if not Receiver.secret.startswith("whsec_") or len(sys.argv) != 2:
        print("usage: RELEVO_SECRET=whsec_… receive.py PORT", file=sys.stderr)
        sys.exit(2)
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()


if __name__ == "__main__":
    main()
