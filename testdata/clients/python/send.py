#!/usr/bin/env python3
"""Sends one WhatsApp message through Relevo: send.py PHONE TEXT

RELEVO_HOOK is the webhook's URL. Needs nothing but Python 3.8 or later.
"""

import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

RETRIES = 4


def post(hook, body, key):
    """Makes one call: (status, headers, answer). Status 0: no answer came."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    request = urllib.request.Request(hook, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers, refusal.read()
    except (OSError, http.client.HTTPException) as error:
        return 0, {}, str(error).encode()


def send(hook, body):
    """Sends a message once, and returns the last call's status and answer."""
    key = str(uuid.uuid4())  # one key for all tries: the message goes out once
    for retry in range(RETRIES + 1):
        status, headers, raw = post(hook, body, key)
        if status not in (0, 429) and status < 500 or retry == RETRIES:
            return status, raw
        after = headers.get("Retry-After") or ""
        time.sleep(min(int(after), 60) if after.isdigit() else 2**retry)


def why(status, raw):
    """Says what went wrong, in Relevo's words where it answered."""
    try:
        return json.loads(raw)["message"]
    except (ValueError, TypeError, KeyError):
        return f"HTTP {status}" if status else raw.decode()


def main():
    hook = os.environ.get("RELEVO_HOOK")
    if not hook or len(sys.argv) != 3:
        print("usage: RELEVO_HOOK=https://… send.py PHONE TEXT", file=sys.stderr)
        sys.exit(2)
    phone, text = sys.argv[1:]
    status, raw = send(hook, {"action": "send", "phone": phone, "text": text})
    if status != 200:
        sys.exit(why(status, raw))  # to stderr, with exit code 1
    print(json.loads(raw)["data"]["message_id"])


if __name__ == "__main__":
    main()
