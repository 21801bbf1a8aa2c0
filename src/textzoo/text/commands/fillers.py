"""Texts for wildcards, and the home that Home Assistant's sentences are about; all of it written for TextZoo."""

SHOPPING = (
    "milk, apples, bread, brown sugar, two lemons, olive oil, coffee beans, tomatoes, rice, toilet paper, eggs, "
    "green tea, a bag of flour, oat milk, bananas, chicken breast, red onions, dish soap, frozen peas, peanut butter, "
    "six oranges, cheddar, sparkling water, garlic, black pepper, dog food, batteries, shampoo, potatoes, yoghurt, "
    "a watermelon, spaghetti, baking powder, cat litter, light bulbs, honey, carrots, dark chocolate, paper towels"
)
TASKS = (
    "call the dentist, water the plants, pay the rent, clean the gutters, pick up the parcel, book a flight, "
    "mow the lawn, "
    "write to aunt mary, renew the passport, fix the bike, buy a present for tom, return the library books, "
    "wash the car, send the invoice, charge the drill, feed the fish, change the filter, cancel the gym, "
    "paint the fence, order new glasses, print the tickets, take out the bins, vacuum the stairs, back up the laptop"
)
MESSAGES = (
    "dinner is ready, we leave in ten minutes, good night everyone, the guests are here, please come downstairs, "
    "the bus is waiting, it is time for bed, someone is at the door, i am on my way home, lunch is on the table, "
    "the washing machine is done, happy birthday anna, do not forget the umbrella, breakfast time, "
    "the movie starts now, school starts in an hour, be quiet please, the parcel has arrived"
)
MUSIC = (
    "blue train, the four seasons, dancing queen, hotel california, moonlight sonata, kind of blue, johnny cash, "
    "nina simone, evening jazz, morning coffee, rainy day songs, daft punk, bohemian rhapsody, the beatles, "
    "summer hits, yesterday, miles davis, space oddity, deep focus, fleetwood mac, road trip, clair de lune, "
    "songs for the garden, aretha franklin, purple rain, the daily news, piano for children, radiohead"
)
LABELS = (
    "pizza, tea, laundry, workout, eggs, homework, bread, nap, cake, pasta, medicine, break, oven, soup, chicken, "
    "meeting, stretching, rice, potatoes, charger"
)
ZONES = "work, school, the office, the gym, home, grandma's, the station, the lake, the market, university"
ORDERS = (
    "turn off the tv, open the blinds, lock the front door, start the dishwasher, turn on the heating, "
    "close the garage, "
    "switch off the lights, play some jazz, turn the fan on, dim the lamp, stop the music, unlock the gate"
)


def listed(texts: str) -> tuple[str, ...]:
    return tuple(texts.split(", "))


# Wildcards of Home Assistant's sentences -> texts.
FILLERS = {
    "shopping_list_item": listed(SHOPPING),
    "todo_list_item": listed(TASKS),
    "message": listed(MESSAGES),
    "search_query": listed(MUSIC),
    "timer_name": listed(LABELS),
    "timer_command": listed(ORDERS),
    "zone": listed(ZONES),
}
# Of any other wildcard that has no examples.
OTHER_FILLERS = listed(f"{SHOPPING}, {TASKS}, {MUSIC}, {LABELS}")

AREAS = listed(
    "kitchen, living room, bedroom, bathroom, office, garage, garden, hallway, dining room, basement, attic, nursery, "
    "guest room, laundry room, balcony, terrace"
)
FLOORS = listed("ground, first, second, upper, lower, top")
# Kind of device, as Home Assistant calls it -> names.
DEVICES = {
    "light": listed(
        "ceiling lamp, bedside lamp, floor lamp, desk lamp, chandelier, porch lantern, reading lamp, night light"
    ),
    "switch": listed("coffee machine, water pump, christmas tree, electric kettle, heated blanket"),
    "fan": listed("ceiling fan, tower fan, exhaust fan"),
    "cover": listed("garage door, roller shutter, skylight blind, patio awning, left curtain"),
    "valve": listed("sprinkler valve, main valve"),
    "lock": listed("front door, back door, garden gate"),
    "climate": listed("thermostat, heat pump, radiator, air conditioner"),
    "media_player": listed("tv, soundbar, record player, bedroom radio, kitchen speaker, projector"),
    "vacuum": listed("robo, dusty, hoover"),
    "lawn_mower": listed("mowie, grass cutter"),
    "weather": listed("london, home station, paris"),
    "todo": listed("chores, groceries, work, holiday, birthday"),
    "scene": listed("movie night, good morning, party time, reading mode"),
    "script": listed("bedtime routine, leave home, wake up"),
    "automation": listed("night watch, morning heating"),
    "sensor": listed("outdoor humidity, co2 meter, power meter, rain gauge, soil moisture"),
    "binary_sensor": listed("smoke detector, motion sensor, mail box"),
    "person": listed("anna, tom, maria, john"),
    "siren": listed(
        "alarm siren",
    ),
    "water_heater": listed("boiler, hot water tank"),
    "input_boolean": listed("guest mode, vacation mode"),
    "humidifier": listed("humidifier, air dryer"),
    "button": listed("doorbell, restart button"),
}
