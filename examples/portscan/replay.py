#!/usr/bin/env python3
"""Sends the frames of captures into an interface: replay.py INTERFACE CAPTURE...

As they were recorded, byte for byte, one after the other, at 2,000 a second so
that no queue on the way overflows. Needs CAP_NET_RAW.
"""

import socket
import struct
import sys
import time
from collections.abc import Iterator

PAUSE_SECONDS = 1 / 2000


def frames(path: str) -> Iterator[bytes]:
    """Frames of a classic little-endian pcap file, which is what tcpdump wrote."""
    with open(path, "rb") as file:
        if file.read(24)[:4] != b"\xd4\xc3\xb2\xa1":
            sys.exit(f"replay.py: {path} is no little-endian microsecond pcap")
        while header := file.read(16):
            _seconds, _micros, captured, original = struct.unpack("<4I", header)
            if captured != original:
                sys.exit(f"replay.py: {path} holds a frame that was cut short")
            yield file.read(captured)


def main() -> None:
    interface, *captures = sys.argv[1:]
    sent = 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
        link.bind((interface, 0))
        for capture in captures:
            for frame in frames(capture):
                link.send(frame)
                sent += 1
                time.sleep(PAUSE_SECONDS)
    print(f"{sent} frames sent")


if __name__ == "__main__":
    main()
