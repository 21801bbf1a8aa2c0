"""What the firmware's console and its host agree upon: deployment/application/protocol.h for the host.

The protocol itself is described in deployment/application/README.md.
"""

# `info` says it; firmware of another version is refused.
PROTOCOL_VERSION = 2
# What the console reads as one line, its end not counted.
LINE_BYTES = 576
# Of the longest stop text.
MAX_STOP_BYTES = 32
# How the last line of the greeting begins.
GREETING = "Type a text to continue"
# How the message begins that refuses a command which goes on from another one than the latest.
OUT_OF_SEQUENCE = "out of sequence"
# What stands between a signed line's object and its checksum.
CRC_KEY = b',"crc":"'
