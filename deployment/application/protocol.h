/* Constants of the protocol, which README.md describes. textzoo/targets/protocol.py has the same values for the host; a
 * test compares them. Another version of the protocol, or a shorter line, requires a new image. */
#ifndef TEXTZOO_PROTOCOL_H
#define TEXTZOO_PROTOCOL_H

#define PROTOCOL_VERSION 3 /* part of `info`; the host refuses other versions */

/* Maximum bytes of a line without its end: 512, and the additional fields of a signed line. */
#ifndef TEXTZOO_LINE_BYTES
#define TEXTZOO_LINE_BYTES 576
#endif

/* Bytes that can arrive before they are read: a power of two, more than a line. */
#ifndef TEXTZOO_INPUT_BYTES
#define TEXTZOO_INPUT_BYTES 1024
#endif

/* Bytes that are never part of a line. The first one ends the running answer, or clears the line typed so far; the second
 * one asks whether the program is alive. */
#define PROTOCOL_INTERRUPT 3
#define PROTOCOL_ENQUIRY 5

#define PROTOCOL_STOP_BYTES 32 /* maximum length of the stop text */

/* Beginning of the greeting's last line of a language model, after which the console reads lines. */
#define PROTOCOL_GREETING "Type a text to continue"
#define PROTOCOL_GRAPH_GREETING "Type the bytes of the inputs in hexadecimal" /* of a plain graph */

/* Message of an answer that was interrupted, unless a part of it is useful. */
#define PROTOCOL_INTERRUPTED "interrupted"

/* Beginning of the message that refuses a command which does not continue the latest one. */
#define PROTOCOL_OUT_OF_SEQUENCE "out of sequence"

/* A signed line ends with PROTOCOL_CRC_KEY, 8 hexadecimal digits and "}: the CRC-32 of all bytes before. */
#define PROTOCOL_CRC_KEY ",\"crc\":\""

#endif
