/* What console and host agree upon: README.md describes the protocol, textzoo/targets/protocol.py has the same numbers
 * for the host, and a test compares them. Other versions of the protocol, or a shorter line, need a new image. */
#ifndef TEXTZOO_PROTOCOL_H
#define TEXTZOO_PROTOCOL_H

#define PROTOCOL_VERSION 2 /* `info` says it; the host refuses another one */

/* Bytes that the console reads as one line, its end not counted: 512, and what a signed line has besides. */
#ifndef TEXTZOO_LINE_BYTES
#define TEXTZOO_LINE_BYTES 576
#endif

#define PROTOCOL_STOP_BYTES 32 /* of the longest stop text */

/* How the last line of the greeting begins: then the console reads lines. */
#define PROTOCOL_GREETING "Type a text to continue"

/* How the message begins that refuses a command which goes on from another one than the latest. */
#define PROTOCOL_OUT_OF_SEQUENCE "out of sequence"

/* A signed line ends with PROTOCOL_CRC_KEY, 8 hexadecimal digits and "}: the CRC-32 of all bytes before. */
#define PROTOCOL_CRC_KEY ",\"crc\":\""

#endif
