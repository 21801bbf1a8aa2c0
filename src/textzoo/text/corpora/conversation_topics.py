"""Topics of the synthetic dialogues: questions, answers and follow-ups as tables, with slots for facts.

Everything here was written for TextZoo. A topic's `facts` draws the values of the slots; each exchange then takes one
of its questions and one of its answers. A new topic is one more row in TOPICS.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from textzoo.text.draws import number, pick

Facts = dict[str, str]
NO_FACTS: Facts = {}


@dataclass(frozen=True)
class Exchange:
    """Variants of a question and of its answer, with slots such as {colour}."""

    ask: tuple[str, ...]
    answer: tuple[str, ...]


@dataclass(frozen=True)
class Topic:
    """One topic of a dialogue.

    Attributes:
        name: Name in the record of how often each topic occurs.
        facts: Draws the values of the slots.
        first: The exchange that opens the topic.
        then: Exchanges that may follow it, with the same facts.
    """

    name: str
    facts: Callable[[Random], Facts]
    first: Exchange
    then: tuple[Exchange, ...] = ()


def no_facts(chooser: Random) -> Facts:
    return NO_FACTS


def one_row_of(names: str, *rows: tuple[str, ...]) -> Callable[[Random], Facts]:
    """Return a function that draws the facts from a table: the slots' names, then one tuple of values per row."""
    table = [dict(zip(names.split(), row, strict=True)) for row in rows]
    return lambda chooser: pick(chooser, table)


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: '1 minute', '2 minutes'."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def addition(chooser: Random) -> Facts:
    first, second = number(chooser, 0, 20), number(chooser, 0, 20)
    return {"a": str(first), "b": str(second), "c": str(first + second), "d": str(first + second + 1)}


def subtraction(chooser: Random) -> Facts:
    second, rest = number(chooser, 0, 12), number(chooser, 0, 12)
    return {"a": str(second + rest), "b": str(second), "c": str(rest)}


def multiplication(chooser: Random) -> Facts:
    first, second = number(chooser, 0, 10), number(chooser, 0, 10)
    return {"a": str(first), "b": str(second), "c": str(first * second)}


def comparison(chooser: Random) -> Facts:
    low, above = number(chooser, 0, 40), number(chooser, 1, 40)
    pair = [str(low), str(low + above)]
    first, second = pair if chooser.random() < 0.5 else pair[::-1]
    return {"a": first, "b": second, "larger": pair[1], "smaller": pair[0]}


def parity(chooser: Random) -> Facts:
    value = number(chooser, 0, 50)
    return {"n": str(value), "kind": "odd" if value % 2 else "even", "next": str(value + 1)}


def counting(chooser: Random) -> Facts:
    low = number(chooser, 0, 15)
    numbers = [str(value) for value in range(low, low + number(chooser, 2, 6) + 1)]
    return {"a": numbers[0], "b": numbers[-1], "list": ", ".join(numbers), "back": ", ".join(numbers[::-1])}


UNITS = (
    ("centimetre", "metre", 100),
    ("millimetre", "centimetre", 10),
    ("metre", "kilometre", 1000),
    ("gram", "kilogram", 1000),
    ("millilitre", "litre", 1000),
    ("minute", "hour", 60),
    ("second", "minute", 60),
    ("hour", "day", 24),
    ("day", "week", 7),
    ("month", "year", 12),
    ("bit", "byte", 8),
)


def conversion(chooser: Random) -> Facts:
    small, large, factor = pick(chooser, UNITS)
    count = number(chooser, 1, 9)
    return {
        "small": small,
        "large": counted(count, large),
        "is": "is" if count == 1 else "are",
        "result": counted(count * factor, small),
        "one": f"One {large} has {counted(factor, small)}",
    }


def clock(chooser: Random) -> Facts:
    hour, later = number(chooser, 1, 12), number(chooser, 1, 6)
    return {"hour": str(hour), "later": counted(later, "hour"), "then": str((hour + later - 1) % 12 + 1)}


DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    ("January", "winter", "31"),
    ("February", "winter", "28 or 29"),
    ("March", "spring", "31"),
    ("April", "spring", "30"),
    ("May", "spring", "31"),
    ("June", "summer", "30"),
    ("July", "summer", "31"),
    ("August", "summer", "31"),
    ("September", "autumn", "30"),
    ("October", "autumn", "31"),
    ("November", "autumn", "30"),
    ("December", "winter", "31"),
)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def weekday(chooser: Random) -> Facts:
    index = number(chooser, 0, 6)
    kind = "a day of the weekend" if index > 4 else "a working day"
    return {"day": DAYS[index], "next": DAYS[(index + 1) % 7], "before": DAYS[index - 1], "kind": kind}


def month(chooser: Random) -> Facts:
    index = number(chooser, 0, 11)
    name, season, days = MONTHS[index]
    return {"month": name, "season": season, "days": days, "next": MONTHS[(index + 1) % 12][0]}


def letter(chooser: Random) -> Facts:
    index = number(chooser, 1, 24)
    return {"letter": ALPHABET[index], "next": ALPHABET[index + 1], "before": ALPHABET[index - 1]}


WORDS = (
    "cat dog sun moon star tree fish bird lamp book chip code door game hand king leaf milk nest road ship snow song"
    " time wind year apple bread chair clock cloud green house light music paper river stone"
)


def word(chooser: Random) -> Facts:
    chosen = pick(chooser, WORDS.split())
    return {
        "word": chosen,
        "Word": chosen.capitalize(),
        "letters": ", ".join(chosen.upper()),
        "count": str(len(chosen)),
        "last": chosen[-1].upper(),
        "first": chosen[0].upper(),
    }


OPPOSITES = (
    "hot-cold cold-hot big-small small-big fast-slow slow-fast high-low low-high old-new new-old light-dark dark-light"
    " open-closed full-empty empty-full early-late late-early wet-dry dry-wet loud-quiet quiet-loud long-short"
    " short-long hard-soft soft-hard near-far far-near up-down left-right"
)

ROOMS = ("kitchen", "bedroom", "bathroom", "hall", "office", "garage", "garden", "cellar")
SWITCHES = ("lamp", "fan", "heater", "radio", "pump", "display")
LEDS = ("red", "green", "blue", "white", "yellow", "orange")


def switch(chooser: Random) -> Facts:
    on = chooser.random() < 0.5
    names = {"thing": pick(chooser, SWITCHES), "room": pick(chooser, ROOMS)}
    return {**names, "state": "on" if on else "off", "other": "off" if on else "on"}


def led(chooser: Random) -> Facts:
    return {"colour": pick(chooser, LEDS), "times": str(number(chooser, 2, 9))}


def timer(chooser: Random) -> Facts:
    count = number(chooser, 1, 30)
    return {"span": counted(count, pick(chooser, ("minute", "second"))), "count": str(count)}


def dimmer(chooser: Random) -> Facts:
    return {"percent": str(5 * number(chooser, 0, 20)), "room": pick(chooser, ROOMS)}


GREETINGS = Exchange(
    ("Hello", "Hi", "Hello there", "Good morning", "Good evening", "Hi there", "Hey", "Good day"),
    ("Hello! How can I help you?", "Hi! What would you like to know?", "Hello! Ask me anything simple."),
)
FAREWELLS = Exchange(
    ("Goodbye", "Bye", "See you later", "That is all, thank you", "I have to go", "Good night"),
    ("Goodbye!", "See you soon!", "Goodbye, and have a nice day!"),
)
THANKS = Exchange(
    ("Thank you", "Thanks", "Thanks a lot", "Great, thank you", "That helps"),
    ("You are welcome.", "With pleasure.", "I am glad to help."),
)

OPENED_FAREWELL = "Shall I help you with anything else?"

TOPICS: tuple[Topic, ...] = (
    Topic(
        "abilities",
        no_facts,
        Exchange(
            ("What can you do?", "What are you able to do?", "How can you help me?", "Tell me what you can do."),
            (
                "I can add numbers, convert units, name colours and switch lamps.",
                "I can answer simple questions, count, spell words and set timers.",
            ),
        ),
        (
            Exchange(
                ("Anything else?", "What else can you do?"), ("I know the days, the months and some opposites too.",)
            ),
            Exchange(("What can you not do?",), ("I cannot browse the web, and I forget what we said before.",)),
        ),
    ),
    Topic(
        "about the device",
        one_row_of(
            "question other answer",
            ("Who are you?", "What are you?", "I am a tiny language model on a microcontroller."),
            ("Where do you run?", "Where do you live?", "I run on a small chip, without any cloud."),
            ("How large are you?", "How big are you?", "I have less than a million parameters."),
            ("Do you need the internet?", "Are you connected to the internet?", "No, I work without a network."),
            ("Do you need much power?", "How much power do you use?", "I need very little power."),
            ("Who made you?", "Where do you come from?", "I was trained with TextZoo."),
            ("How do you work?", "How do you write?", "I choose one token after the other, with whole numbers only."),
            ("Do you make mistakes?", "Are you always right?", "I am small, so I make mistakes. Please check me."),
            ("Can you see me?", "Do you have a camera?", "No, I have no camera. I only read text."),
            ("Can you hear me?", "Do you have ears?", "No, I have no microphone. I only read text."),
            ("Do you sleep?", "Are you ever tired?", "I only wait for the next line of text."),
            ("Do you remember me?", "What do you remember?", "I only remember the last few lines."),
            ("Are you a person?", "Are you human?", "No, I am a program on a chip."),
            ("What language do you speak?", "Which language do you know?", "I speak simple English."),
        ),
        Exchange(("{question}", "{other}"), ("{answer}",)),
        (
            Exchange(
                ("I see.", "Interesting!", "Good to know."), (OPENED_FAREWELL, "What else would you like to know?")
            ),
        ),
    ),
    Topic(
        "small talk",
        one_row_of(
            "question other answer",
            ("How are you?", "How do you do?", "I am fine, thank you. How are you?"),
            ("How is it going?", "Is everything all right?", "Everything works as it should."),
            ("Are you there?", "Are you awake?", "Yes, I am here."),
            ("Are you ready?", "Can we start?", "Yes, I am ready."),
        ),
        Exchange(("{question}", "{other}"), ("{answer}",)),
        (Exchange(("I am fine, too.", "Very good."), ("I am glad to hear that.", "That is good to hear.")),),
    ),
    Topic(
        "addition",
        addition,
        Exchange(
            ("What is {a} plus {b}?", "How much is {a} plus {b}?", "Add {a} and {b}.", "{a} + {b} = ?"),
            ("{a} plus {b} is {c}.",),
        ),
        (
            Exchange(("And one more?", "Now add 1."), ("{c} plus 1 is {d}.",)),
            Exchange(("Are you sure?",), ("Yes, {a} plus {b} is {c}.",)),
        ),
    ),
    Topic(
        "subtraction",
        subtraction,
        Exchange(
            ("What is {a} minus {b}?", "How much is {a} minus {b}?", "Take {b} from {a}.", "{a} - {b} = ?"),
            ("{a} minus {b} is {c}.",),
        ),
        (Exchange(("How do I check that?",), ("Add them again: {b} plus {c} is {a}.",)),),
    ),
    Topic(
        "multiplication",
        multiplication,
        Exchange(
            ("What is {a} times {b}?", "How much is {a} times {b}?", "Multiply {a} by {b}.", "{a} * {b} = ?"),
            ("{a} times {b} is {c}.",),
        ),
        (Exchange(("And the other way round?",), ("{b} times {a} is {c}, too.",)),),
    ),
    Topic(
        "comparison",
        comparison,
        Exchange(
            ("Which is larger, {a} or {b}?", "Is {a} or {b} larger?", "What is more, {a} or {b}?"),
            ("{larger} is larger than {smaller}.",),
        ),
        (Exchange(("And which is smaller?",), ("{smaller} is smaller than {larger}.",)),),
    ),
    Topic(
        "even and odd",
        parity,
        Exchange(("Is {n} even or odd?", "Is {n} odd or even?", "What kind of number is {n}?"), ("{n} is {kind}.",)),
        (Exchange(("Which number comes next?",), ("After {n} comes {next}.",)),),
    ),
    Topic(
        "counting",
        counting,
        Exchange(
            ("Count from {a} to {b}.", "Can you count from {a} to {b}?", "Please count: {a} to {b}."), ("{list}.",)
        ),
        (Exchange(("Now backwards.", "And backwards?"), ("{back}.",)),),
    ),
    Topic(
        "units",
        conversion,
        Exchange(
            ("How many {small}s {is} {large}?", "Convert {large} to {small}s.", "{large} in {small}s?"),
            ("That is {result}.", "{large} {is} {result}."),
        ),
        (Exchange(("Why?", "How do you know?"), ("{one}.",)),),
    ),
    Topic(
        "time",
        clock,
        Exchange(
            (
                "It is {hour} o'clock. What time is it in {later}?",
                "What time is it {later} after {hour} o'clock?",
                "Now it is {hour} o'clock. And in {later}?",
            ),
            ("Then it is {then} o'clock.",),
        ),
        (Exchange(("And what time is it now?",), ("You said that it is {hour} o'clock.",)),),
    ),
    Topic(
        "weekdays",
        weekday,
        Exchange(
            ("Which day comes after {day}?", "Today is {day}. What day is tomorrow?", "What comes after {day}?"),
            ("After {day} comes {next}.",),
        ),
        (
            Exchange(("And before it?", "And which day was yesterday?"), ("Before {day} comes {before}.",)),
            Exchange(("Is {day} a working day?",), ("{day} is {kind}.",)),
        ),
    ),
    Topic(
        "months",
        month,
        Exchange(
            ("Which month comes after {month}?", "What comes after {month}?", "It is {month}. Which month is next?"),
            ("After {month} comes {next}.",),
        ),
        (
            Exchange(("How many days has {month}?",), ("{month} has {days} days.",)),
            Exchange(("Which season is it in {month}?",), ("In the north, {month} belongs to {season}.",)),
        ),
    ),
    Topic(
        "weather",
        one_row_of(
            "weather advice feel",
            ("raining", "Take an umbrella with you.", "wet"),
            ("snowing", "Wear warm boots.", "cold"),
            ("sunny", "A hat will keep the sun off.", "warm"),
            ("windy", "Wear a jacket that keeps the wind out.", "fresh"),
            ("foggy", "Walk and drive slowly.", "damp"),
            ("cloudy", "Perhaps take a coat.", "mild"),
            ("hot", "Drink enough water.", "hot"),
            ("freezing", "Wear gloves and a scarf.", "icy"),
            ("stormy", "It is better to stay inside.", "rough"),
        ),
        Exchange(
            ("It is {weather}. What should I do?", "It is {weather} outside.", "The weather is {weather} today."),
            ("{advice}",),
        ),
        (
            Exchange(("How does it feel?", "How will it feel outside?"), ("It will feel {feel}.",)),
            Exchange(("And tomorrow?",), ("I cannot know that. I have no forecast.",)),
        ),
    ),
    Topic(
        "seasons",
        one_row_of(
            "season weather next",
            ("spring", "mild, and the plants begin to grow", "summer"),
            ("summer", "warm, and the days are long", "autumn"),
            ("autumn", "cool, and the leaves fall", "winter"),
            ("winter", "cold, and the nights are long", "spring"),
        ),
        Exchange(
            ("What is the weather like in {season}?", "What is {season} like?", "Tell me about {season}."),
            ("In {season} it is {weather}.",),
        ),
        (Exchange(("Which season comes next?", "And after it?"), ("After {season} comes {next}.",)),),
    ),
    Topic(
        "colours of things",
        one_row_of(
            "thing verb colour",
            ("grass", "is", "green"),
            ("the sky", "is", "blue"),
            ("snow", "is", "white"),
            ("coal", "is", "black"),
            ("a lemon", "is", "yellow"),
            ("a tomato", "is", "red"),
            ("a carrot", "is", "orange"),
            ("chocolate", "is", "brown"),
            ("an elephant", "is", "grey"),
            ("a plum", "is", "purple"),
            ("milk", "is", "white"),
            ("a cherry", "is", "red"),
            ("sunflowers", "are", "yellow"),
            ("frogs", "are", "green"),
            ("polar bears", "are", "white"),
            ("flamingos", "are", "pink"),
        ),
        Exchange(
            ("What colour {verb} {thing}?", "Which colour {verb} {thing}?", "Tell me the colour: {thing}."),
            ("The colour is {colour}.",),
        ),
        (Exchange(("Are you sure?", "Always?"), ("Usually {thing} {verb} {colour}.",)),),
    ),
    Topic(
        "mixing colours",
        one_row_of(
            "a b c",
            ("red", "blue", "purple"),
            ("blue", "red", "purple"),
            ("red", "yellow", "orange"),
            ("yellow", "red", "orange"),
            ("blue", "yellow", "green"),
            ("yellow", "blue", "green"),
            ("black", "white", "grey"),
            ("white", "black", "grey"),
            ("red", "white", "pink"),
            ("white", "red", "pink"),
        ),
        Exchange(
            ("What do {a} and {b} make?", "What happens if I mix {a} and {b}?", "Mix {a} with {b}."),
            ("{a} and {b} make {c}.",),
        ),
        (Exchange(("And with more white?",), ("Then you get a lighter {c}.",)),),
    ),
    Topic(
        "opposites",
        one_row_of(
            "a b",
            *[tuple(pair.split("-")) for pair in OPPOSITES.split()],
        ),
        Exchange(
            ("What is the opposite of {a}?", "Tell me the opposite of {a}.", "Which word is the opposite of {a}?"),
            ("The opposite of {a} is {b}.",),
        ),
        (Exchange(("And the opposite of {b}?",), ("The opposite of {b} is {a}.",)),),
    ),
    Topic(
        "animals",
        one_row_of(
            "animal sound legs",
            ("dog", "woof", "4"),
            ("cat", "meow", "4"),
            ("cow", "moo", "4"),
            ("duck", "quack", "2"),
            ("sheep", "baa", "4"),
            ("bee", "buzz", "6"),
            ("snake", "hiss", "no"),
            ("hen", "cluck", "2"),
            ("horse", "neigh", "4"),
            ("lion", "roar", "4"),
            ("mouse", "squeak", "4"),
        ),
        Exchange(
            ("What does a {animal} say?", "Which sound does a {animal} make?", "What sound does a {animal} make?"),
            ("A {animal} says {sound}.",),
        ),
        (Exchange(("How many legs does it have?",), ("A {animal} has {legs} legs.",)),),
    ),
    Topic(
        "shapes",
        one_row_of(
            "shape sides example",
            ("a triangle", "3 sides", "a slice of pizza"),
            ("a square", "4 equal sides", "a chess board"),
            ("a rectangle", "4 sides", "a door"),
            ("a pentagon", "5 sides", "a simple drawing of a house"),
            ("a hexagon", "6 sides", "a cell of a honeycomb"),
            ("an octagon", "8 sides", "a stop sign"),
            ("a circle", "no corners", "a coin"),
        ),
        Exchange(
            ("How many sides has {shape}?", "What is {shape}?", "What does {shape} look like?"),
            ("{shape} has {sides}.",),
        ),
        (Exchange(("Give me an example.", "For example?"), ("Think of {example}.",)),),
    ),
    Topic(
        "letters",
        letter,
        Exchange(
            ("Which letter comes after {letter}?", "What letter follows {letter}?", "What comes after {letter}?"),
            ("After {letter} comes {next}.",),
        ),
        (Exchange(("And before it?", "And before {letter}?"), ("Before {letter} comes {before}.",)),),
    ),
    Topic(
        "spelling",
        word,
        Exchange(
            ("Spell {word}.", "How do you spell {word}?", "Can you spell {word}?", "Please spell the word {word}."),
            ("{letters}.",),
        ),
        (
            Exchange(("How many letters is that?", "How many letters?"), ("{Word} has {count} letters.",)),
            Exchange(("Which letter is the first?",), ("The first letter is {first}.",)),
            Exchange(("Which letter is the last?",), ("The last letter is {last}.",)),
        ),
    ),
    Topic(
        "saying words",
        word,
        Exchange(
            ("Say {word}.", "Please say {word}.", "Can you say {word}?", "Repeat after me: {word}."), ("{Word}.",)
        ),
        (Exchange(("Once more.", "Again, please."), ("{Word}.",)), Exchange(("And twice?",), ("{Word}, {word}.",))),
    ),
    Topic(
        "switches",
        switch,
        Exchange(
            (
                "Please turn {state} the {thing} in the {room}.",
                "Switch the {room} {thing} {state}.",
                "Turn the {thing} in the {room} {state}.",
                "Could you turn {state} the {room} {thing}?",
            ),
            ("The {room} {thing} is now {state}.",),
        ),
        (
            Exchange(("And turn it {other} again.", "Now turn it {other}."), ("The {room} {thing} is now {other}.",)),
            Exchange(("Is it {state}?",), ("Yes, the {room} {thing} is {state}.",)),
            Exchange(("Is it {other}?",), ("No, the {room} {thing} is {state}.",)),
        ),
    ),
    Topic(
        "lights",
        led,
        Exchange(
            ("Make the light {colour}.", "Set the LED to {colour}.", "I want {colour} light.", "Light up in {colour}."),
            ("The light is {colour} now.",),
        ),
        (
            Exchange(("Let it blink {times} times.",), ("The {colour} light blinks {times} times.",)),
            Exchange(("Which colour is it?", "What colour is the light?"), ("The light is {colour}.",)),
        ),
    ),
    Topic(
        "timers",
        timer,
        Exchange(
            ("Set a timer for {span}.", "Start a timer: {span}.", "Wake me in {span}.", "Remind me in {span}."),
            ("The timer is set to {span}.",),
        ),
        (
            Exchange(("Cancel it.", "Stop the timer."), ("The timer of {span} is stopped.",)),
            Exchange(("How long was that?",), ("It was {span}.",)),
        ),
    ),
    Topic(
        "dimmers",
        dimmer,
        Exchange(
            ("Dim the {room} to {percent} percent.", "Set the {room} light to {percent} percent."),
            ("The {room} light is at {percent} percent.",),
        ),
        (Exchange(("How bright is it?",), ("It is at {percent} percent.",)),),
    ),
    Topic(
        "nature",
        one_row_of(
            "question other answer",
            ("What do plants need?", "What does a plant need?", "Plants need light, water and air."),
            ("Why is there day and night?", "Why does night come?", "Because the Earth turns around once a day."),
            ("What is ice?", "What is ice made of?", "Ice is frozen water."),
            ("What is steam?", "What is steam made of?", "Steam is water as a gas."),
            ("When does water boil?", "How hot is boiling water?", "At sea level water boils at 100 degrees."),
            ("When does water freeze?", "How cold is freezing water?", "Water freezes at 0 degrees."),
            ("What do bees make?", "Where does honey come from?", "Bees make honey."),
            ("What is the sun?", "Is the sun a star?", "The sun is a star."),
            ("What goes around the Earth?", "What is the moon?", "The moon goes around the Earth."),
            ("How many legs has a spider?", "Has a spider 6 legs?", "A spider has 8 legs."),
        ),
        Exchange(("{question}", "{other}"), ("{answer}",)),
        (Exchange(("Thank you, I did not know that.",), ("I am glad that I could tell you.",)),),
    ),
    Topic(
        "technology",
        one_row_of(
            "question other answer",
            ("What is a bit?", "What is the smallest unit of data?", "A bit is a 0 or a 1."),
            ("What is a byte?", "How many bits are in a byte?", "A byte is 8 bits."),
            ("What is a sensor?", "What does a sensor do?", "A sensor measures something, such as heat."),
            ("What is an LED?", "What does an LED do?", "An LED is a small lamp that needs little power."),
            ("What is a battery?", "What does a battery do?", "A battery stores energy."),
            ("What is a chip?", "What is a microcontroller?", "It is a small computer on one chip."),
            ("What is a token?", "What are tokens?", "A token is a small piece of text."),
            ("What is flash memory?", "What is flash for?", "Flash keeps data when the power is off."),
            ("What is RAM?", "What is RAM for?", "RAM holds data while a program runs."),
            ("What is a model?", "What does a language model do?", "A language model guesses the next piece of text."),
        ),
        Exchange(("{question}", "{other}"), ("{answer}",)),
        (Exchange(("Is that important?", "Does that matter?"), ("Yes, for me it is.",)),),
    ),
)
