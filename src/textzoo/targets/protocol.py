"""Constants of the console's protocol, as in deployment/application/protocol.h.

deployment/application/README.md describes the protocol.
"""

# Part of `info`; firmware with another version is refused.
PROTOCOL_VERSION = 3
# Maximum length of a line that the console reads, without its end.
LINE_BYTES = 576
# Bytes that a device stores while it works, for a line that arrives then.
INPUT_BYTES = 1024
# Byte that ends the running answer, or clears an incomplete line.
INTERRUPT = b"\x03"
# Byte that asks a device whether it is alive.
ENQUIRY = b"\x05"
# Message of an answer without a useful part that was interrupted, and `ended` of one with it.
INTERRUPTED = "interrupted"
# Maximum length of the stop text.
MAX_STOP_BYTES = 32
# Beginning of the greeting's first line, behind which the model's name stands.
GREETING_NAME = "TextZoo: "
# Beginning of the greeting's last line: of a language model, and of a plain graph.
GREETING = "Type a text to continue"
GRAPH_GREETING = "Type the bytes of the inputs in hexadecimal"
# Beginning of the message that refuses a command which does not continue the latest one.
OUT_OF_SEQUENCE = "out of sequence"
# Text between the object and the checksum of a line.
CRC_KEY = b',"crc":"'
