// The module's console on standard input and output, as the program of a PC: node board/console.mjs MODULE.wasm
import { constants, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { setFlagsFromString } from "node:v8";

const STDIN = 0, STDOUT = 1, END_OF_INPUT = -1, NOTHING = -2, BUSY_MILLISECONDS = 5, POLL_MILLISECONDS = 1;
// The standard input once more, for reading without waiting.
const POLLED = openSync("/dev/stdin", constants.O_RDONLY | constants.O_NONBLOCK);
const input = Buffer.alloc(65536);
let next = 0, end = 0, ended = false, nextPoll = 0, memory;

class Exit extends Error {}

// Repeat a call while the other side of a pipe or terminal is not ready.
function waiting(call) {
    for (;;) {
        try {
            return call();
        } catch (error) {
            if (error.code !== "EAGAIN") {
                throw error;
            }
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_MILLISECONDS);
        }
    }
}

// Read what has arrived; `how` calls a function, and may wait.
function receive(file, how) {
    try {
        [next, end] = [0, how(() => readSync(file, input))];
        ended = end === 0;
    } catch (error) {
        if (error.code !== "EAGAIN") {
            throw error;
        }
        nextPoll = performance.now() + POLL_MILLISECONDS; // an error takes as long as a token of a small model
    }
}

function writeAll(bytes) {
    for (let done = 0; done < bytes.length; ) {
        done += waiting(() => writeSync(STDOUT, bytes, done));
    }
}

const imports = {
    poll() {
        if (next === end && !ended && performance.now() >= nextPoll) {
            receive(POLLED, call => call());
        }
        return next < end ? input[next++] : ended ? END_OF_INPUT : NOTHING;
    },
    wait() {
        if (next === end && !ended) {
            receive(STDIN, waiting);
        }
    },
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
