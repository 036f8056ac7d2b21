"""Sends the events that it reads from its input with the CloudEvents SDK, and prints the answers' statuses and bodies.

The SDK makes headers and bodies; any HTTP client carries them.
"""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime

from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1.http import CloudEvent as OldCloudEvent
from cloudevents.v1.http import to_binary, to_structured


def main() -> None:
    asked = json.load(sys.stdin)
    answers = []
    for attributes, data in asked["events"]:
        headers, body = _message(asked["mode"], attributes, data)
        request = urllib.request.Request(asked["url"], data=body, method="POST")  # noqa: S310 - on loopback
        for name, value in headers.items():
            request.add_header(name, value)
        request.add_header("Authorization", f"Bearer {asked['key']}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                answers.append([answer.status, json.load(answer)])
        except urllib.error.HTTPError as answer:
            answers.append([answer.code, json.load(answer)])
    json.dump(answers, sys.stdout)


def _message(mode: str, attributes: dict[str, str], data: object) -> tuple[Mapping[str, str], bytes]:
    if mode == "binary, old API":
        headers, body = to_binary(OldCloudEvent(attributes, data))
        return headers, body
    if mode == "structured, old API":
        headers, body = to_structured(OldCloudEvent(attributes, data))
        return headers, body
    event = CloudEvent(attributes | {"time": datetime.fromisoformat(attributes["time"])}, data)
    message = to_binary_event(event) if mode == "binary" else to_structured_event(event)
    return message.headers, message.body


if __name__ == "__main__":
    main()
