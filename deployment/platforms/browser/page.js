"use strict";
// Runs the module of this page, one token at a time. Whatever is shown is set as text, never interpreted as HTML.

const SLICE_MILLISECONDS = 12; // after which the browser may draw and listen
const NEAR_PIXELS = 60;
const PAGE_BYTES = 65536; // of WebAssembly's memory
const END_OF_INPUT = -1;
const NEWER = "It needs Chromium 91, Firefox 113 or Safari 16.4, or a newer one.";
const FED = 0, TOKEN = 1, ENDED = 2; // what a step of the model was: generation_step_t
const ENDINGS = ["; stopped", "", "; the context is full", "; the stop text came", "; stopped"]; // ended_t
const OPTIONS = ["temperature", "top_k", "max_tokens", "seed", "stop"];
const ESCAPES = [["\\", "\\\\"], ["\n", "\\n"], ["\t", "\\t"]];

// A mistake of the user.
class Refused extends Error {}

// The module: its memory, its options, and the continuation that it is writing.
class Model {
    static async load(encoded) {
        const packed = Uint8Array.from(atob(encoded), character => character.charCodeAt(0));
        const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
        const bytes = await new Response(unpacked).arrayBuffer();
        const model = new Model();
        const { instance } = await WebAssembly.instantiate(bytes, { textzoo: model.imports() });
        model.exports = instance.exports;
        model.exports.open();
        model.ownBytes = model.exports.memory.buffer.byteLength;
        return model;
    }

    constructor() {
        this.decoder = new TextDecoder("utf-8", { ignoreBOM: true });
        this.encoder = new TextEncoder();
        this.written = "";
    }

    imports() {
        return {
            poll: () => END_OF_INPUT,
            wait: () => {},
            write: (address, bytes) => {
                this.written += this.read(address, bytes);
            },
            nanoseconds: () => BigInt(Math.round(performance.now() * 1e6)),
            exit: status => {
                throw new Error(`the module ended with ${status}`);
            },
        };
    }

    read(address, bytes) {
        return this.decoder.decode(new Uint8Array(this.exports.memory.buffer, address, bytes));
    }

    // The text that ends with a byte of 0.
    readName(address) {
        return this.read(address, new Uint8Array(this.exports.memory.buffer).indexOf(0, address) - address);
    }

    // Write texts behind the module's own memory; address and bytes of each.
    place(...texts) {
        const memory = this.exports.memory, parts = texts.map(text => this.encoder.encode(text));
        const missing = this.ownBytes + parts.reduce((sum, part) => sum + part.length, 0) - memory.buffer.byteLength;
        if (missing > 0) {
            memory.grow(Math.ceil(missing / PAGE_BYTES));
        }
        let address = this.ownBytes;
        return parts.flatMap(part => {
            new Uint8Array(memory.buffer).set(part, address);
            address += part.length;
            return [address - part.length, part.length];
        });
    }

    // Execute a command of the console; return its answer.
    command(name) {
        this.written = "";
        this.exports.command(...this.place(name));
        return JSON.parse(this.written);
    }

    set(name, value) {
        const expected = this.exports.set(...this.place(name, value));
        if (expected !== 0) {
            throw new Refused(`${name.replace("_", " ")}: expected ${this.readName(expected)}`);
        }
    }

    count(text) {
        return this.exports.count(...this.place(text));
    }

    // Begin to continue a prompt with the answer to a message; return its number of tokens.
    begin(prompt, message) {
        const [address, bytes, ...said] = this.place(prompt, message);
        this.exports.input?.(...said); // where the grammar copies from it
        const count = this.exports.begin(address, bytes);
        if (count === 0) {
            throw new Refused("Write at least one character.");
        }
        if (count < 0) {
            throw new Refused(`The model has no token for ${JSON.stringify(this.text())}.`);
        }
        return count;
    }

    // One step: FED, TOKEN or ENDED.
    step() {
        return this.exports.step();
    }

    // What is final since the step before.
    text() {
        return this.read(this.exports.text(), this.exports.text_bytes());
    }

    ending() {
        return ENDINGS[this.exports.ended()];
    }
}

const byId = id => document.getElementById(id);
const whole = number => Math.round(number).toLocaleString("en-US");
const channel = new MessageChannel();
const pause = () => new Promise(resolve => {
    channel.port1.onmessage = resolve;
    channel.port2.postMessage(0);
});
const escaped = text => ESCAPES.reduce((result, [plain, code]) => result.replaceAll(plain, code), text);
const unescaped = text => text.replace(/\\[nt\\]/g, code => ESCAPES.find(pair => pair[1] === code)[0]);

const template = JSON.parse(byId("template").textContent);
const hasRoles = template.stop !== ""; // whether the model tells who speaks

let model = null, info = null;
let turns = []; // of the conversation: role and text of the user's and the model's, which alternate
let last = null; // what the latest answer continues, and how many earlier turns the context had no room for
let running = false, stopping = false;

// The text to continue with the next answer, as textzoo.serving makes it from the same template.
function promptOf(messages) {
    const read = template.has_memory === false ? messages.slice(-1) : messages;
    const texts = read.map(({ role, text }) => template[role][0] + text + template[role][1]);
    return texts.join("") + template.assistant[0].replace(/ +$/, "");
}

// The prompt of a message: the oldest turns leave, so that half of the context, or less, is free for the answer.
function promptAfter(history, text) {
    const messages = [...(byId("remember").checked ? history : []), { role: "user", text }];
    const answer = Math.min(Number(byId("max_tokens").value), Math.floor(info.context_length / 2));
    let leftOut = 0;
    while (leftOut + 1 < messages.length && model.count(promptOf(messages.slice(leftOut))) > info.context_length - answer) {
        leftOut += 2;
    }
    return { prompt: promptOf(messages.slice(leftOut)), message: text, leftOut };
}

function input(option) {
    return byId(option === "stop" ? "stop_text" : option);
}

function showState() {
    const ready = model !== null && !running;
    byId("send").disabled = byId("clear").disabled = !ready;
    byId("further").disabled = byId("again").disabled = !ready || turns.length === 0;
    byId("stop").disabled = !running;
}

function showOptions() {
    for (const option of OPTIONS) {
        input(option).value = option === "stop" ? escaped(template.stop || info.stop) : String(info[option]);
    }
    byId("label").textContent = hasRoles ? "Message" : "Text to continue";
    byId("send").textContent = hasRoles ? "Send" : "Continue";
    byId("enter").textContent = hasRoles ? "sends" : "continues";
    byId("further").hidden = hasRoles;
}

function applyOptions() {
    for (const option of OPTIONS) {
        const value = input(option).value;
        model.set(option, option === "stop" ? unescaped(value) : value.trim());
    }
}

function showCheck() {
    const found = model.command("self_check"), place = byId("check");
    const logits = whole(found.tokens * info.vocabulary_size);
    const right = found.weights && found.kernels;
    const weights = found.weights ? "the weights' CRC-32 is right" : "the weights are DAMAGED";
    place.textContent = `${weights}; ${found.kernels ? `0 of ${logits} logits differ` : "the logits DIFFER"} from LiteRT's`;
    place.className = right ? "good" : "bad";
}

function element(parent, name, className, text = "") {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = text;
    parent.append(made);
    return made;
}

// A place for a message and its answer.
function addTurn(message) {
    const turn = element(byId("log"), "article", "turn");
    const text = element(turn, hasRoles ? "p" : "span", "text prompt", message);
    const answer = element(turn, hasRoles ? "p" : "span", "text answer");
    return { turn, text, answer, hint: element(turn, "p", "hint") };
}

// Whether the end of the page is in sight; somebody who reads further up is left there.
function isAtEnd() {
    return window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - NEAR_PIXELS;
}

function scrollToEnd(follows) {
    if (follows) {
        window.scrollTo(0, document.documentElement.scrollHeight);
    }
}

// Without the spaces before the first word, which belong to the template.
function begun(text, place) {
    return hasRoles && place.textContent === "" ? text.replace(/^ +/, "") : text;
}

// Let the model write into `place`; return its tokens, and the milliseconds from the first to the last one.
async function writeTokens(place) {
    let tokens = 0, milliseconds = 0, step = FED;
    while (step !== ENDED && !stopping) {
        const start = performance.now();
        let text = "", now = start;
        while (step !== ENDED && now - start < SLICE_MILLISECONDS) {
            step = model.step();
            text += step === TOKEN ? model.text() : "";
            tokens += step === TOKEN ? 1 : 0;
            now = performance.now();
            if (tokens === 1 && step === TOKEN) {
                milliseconds = start - now; // what is before the first token does not count
            }
        }
        milliseconds += now - start;
        const follows = isAtEnd();
        place.append(begun(text, place));
        scrollToEnd(follows);
        await pause();
    }
    return { tokens, milliseconds };
}

function showResult(hint, promptTokens, { tokens, milliseconds }) {
    const seed = byId("seed").value.trim(), out = last.leftOut;
    hint.textContent = `${whole(tokens)} tokens after ${whole(promptTokens)}, seed ${seed}${model.ending()}`;
    hint.textContent += out > 0 ? `; ${out} earlier texts no longer fit the context` : "";
    if (tokens > 1 && milliseconds > 0) {
        const speed = `${whole((1000 * (tokens - 1)) / milliseconds)} tokens per second`;
        hint.textContent += ` · ${speed}`;
        byId("speed").textContent = speed;
    }
}

// Begin to continue what `make` returns, a prompt; return its tokens, or 0 after a mistake was shown.
function begin(make) {
    byId("message").textContent = "";
    try {
        applyOptions();
        const found = make(), count = model.begin(found.prompt, found.message);
        last = found;
        return count;
    } catch (error) {
        byId("message").textContent = error instanceof Refused ? error.message : String(error);
        return 0;
    }
}

// Let the model write into a turn.
async function write(place, promptTokens) {
    running = true;
    stopping = false;
    place.turn.setAttribute("aria-busy", "true");
    showState();
    try {
        const figures = await writeTokens(place.answer), follows = isAtEnd();
        showResult(place.hint, promptTokens, figures);
        scrollToEnd(follows);
    } catch (error) {
        byId("message").textContent = `The model cannot go on: ${error.message}`;
    } finally {
        place.turn.removeAttribute("aria-busy");
        running = false;
    }
}

// Answer a message after earlier turns, in a turn of its own.
async function answer(message, history = turns) {
    const promptTokens = begin(() => {
        if (message === "") {
            throw new Refused("Write at least one character.");
        }
        return promptAfter(history, message);
    });
    if (promptTokens === 0) {
        return;
    }
    const place = addTurn(message);
    scrollToEnd(true);
    byId("prompt").value = "";
    await write(place, promptTokens);
    turns = [...history, { role: "user", text: message }, { role: "assistant", text: place.answer.textContent }];
    showState();
}

// Let the latest answer go on, in a turn without a message.
async function goOn() {
    const [latest] = turns.slice(-1), { prompt, message } = last;
    const promptTokens = begin(() => ({ prompt: prompt + latest.text, message, leftOut: 0 }));
    if (promptTokens > 0) {
        const place = addTurn("");
        await write(place, promptTokens);
        latest.text += place.answer.textContent;
        last.prompt = prompt;
        showState();
    }
}

// Answer the latest message again, with the next seed.
function answerAgain() {
    const [user] = turns.slice(-2);
    byId("seed").value = String((Number(byId("seed").value) + 1) % 2 ** 32);
    answer(user.text, turns.slice(0, -2));
}

function send() {
    if (model !== null && !running) {
        answer(byId("prompt").value);
    }
}

function clearAll() {
    byId("log").replaceChildren();
    byId("message").textContent = "";
    turns = [];
    showState();
}

function listen() {
    byId("form").addEventListener("submit", event => {
        event.preventDefault();
        send();
    });
    byId("prompt").addEventListener("keydown", event => {
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
            event.preventDefault();
            send();
        }
    });
    document.addEventListener("keydown", event => {
        stopping ||= event.key === "Escape";
    });
    byId("stop").addEventListener("click", () => {
        stopping = true;
    });
    byId("further").addEventListener("click", goOn);
    byId("again").addEventListener("click", answerAgain);
    byId("clear").addEventListener("click", clearAll);
}

async function start() {
    listen();
    try {
        model = await Model.load(byId("module").textContent);
        info = model.command("info");
        showOptions();
        showCheck();
    } catch (error) {
        model = null;
        byId("check").textContent = `This browser cannot run the model: ${error.message}. ${NEWER}`;
        byId("check").className = "bad";
    }
    showState();
    byId("prompt").focus();
}

start();
