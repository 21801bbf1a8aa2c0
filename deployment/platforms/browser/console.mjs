// The module's console on standard input and output, as the program of a PC: node board/console.mjs MODULE.wasm
import { randomBytes } from "node:crypto";
import { constants, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { setFlagsFromString } from "node:v8";

const STDIN = 0, STDOUT = 1, END_OF_INPUT = -1, NOTHING = -2, BUSY_MILLISECONDS = 5;
// The module asks for input after every token; so often the system is asked.
const LISTEN_NANOSECONDS = 1_000_000n;
const input = Buffer.alloc(65536), stdin = opened();
let next = 0, end = 0, asked = 0n, memory;

class Exit extends Error {}

// Standard input, opened again so that reading does not wait; what cannot be opened again, e.g. a socket, as it is.
function opened() {
    try {
        return openSync("/dev/stdin", constants.O_RDONLY | constants.O_NONBLOCK);
    } catch {
        return STDIN;
    }
}

// What a call returns; NOTHING while the other side of a pipe or terminal is not ready.
function attempted(call) {
    try {
        return call();
    } catch (error) {
        if (error.code !== "EAGAIN") {
            throw error;
        }
        return NOTHING;
    }
}

function pause() {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_MILLISECONDS);
}

function writeAll(bytes) {
    for (let done = 0; done < bytes.length; ) {
        const count = attempted(() => writeSync(STDOUT, bytes, done));
        if (count === NOTHING) {
            pause();
        } else {
            done += count;
        }
    }
}

// Fill the empty buffer, if there is input and it is time to look; returns a byte of it, END_OF_INPUT or NOTHING.
function received() {
    const now = process.hrtime.bigint();
    if (now - asked < LISTEN_NANOSECONDS) {
        return NOTHING;
    }
    asked = now;
    const count = attempted(() => readSync(stdin, input));
    if (count === NOTHING) {
        return NOTHING;
    }
    [next, end] = [0, count];
    return count === 0 ? END_OF_INPUT : input[next++];
}

const imports = {
    boot: () => randomBytes(4).readUInt32LE(),
    poll: () => (next < end ? input[next++] : received()),
    wait: pause,
    write: (text, bytes) => writeAll(new Uint8Array(memory.buffer, text, bytes)),
    nanoseconds: () => process.hrtime.bigint(),
    exit(status) {
        throw new Exit(String(status));
    },
};

// Optimized code from the first token on, which costs are measured with. Without it, some tokens take the time of V8's
// first compiler, Liftoff, as they do in a page.
setFlagsFromString("--no-liftoff");

const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]), { textzoo: imports });
memory = instance.exports.memory;
try {
    instance.exports.console();
} catch (error) {
    if (!(error instanceof Exit)) {
        writeAll(Buffer.from(`\n${JSON.stringify({ reply: "fault", status: "error", message: error.message })}\n`));
    }
    process.exitCode = error instanceof Exit ? Number(error.message) : 1;
}
