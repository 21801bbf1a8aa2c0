/* A program for an AVR around a library that is called my_model: writes the text that continues the prompt of case.h to the
 * serial line, if the machine computes what the PC computed; then it sleeps with interrupts off, which ends simavr. */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>

#include "case.h"
#include "my_model.h"

static MY_MODEL_MEMORY(memory);

static void put(const char *text)
{
    for (; *text != 0; ++text) {
        while (!(UCSR0A & (1 << UDRE0))) {
        }
        UDR0 = (uint8_t)*text;
    }
}

int main(void)
{
    static char text[MY_MODEL_TEXT_BYTES];
    my_model_t *model;
    UCSR0B = 1 << TXEN0;
    if (my_model_open(memory, sizeof memory, &model) == MY_MODEL_OK && my_model_check(model) == MY_MODEL_OK) {
        my_model_set_sampling(model, TEMPERATURE, TOP_K, SEED);
        my_model_feed(model, prompt, PROMPT_BYTES);
        for (int count = 0; count < TOKENS; ++count) {
            my_model_text(model, my_model_next(model), text);
            put(text);
        }
        my_model_text_end(model, text);
        put(text);
    }
    put("\n");
    cli();
    sleep_enable();
    sleep_cpu();
    return 0;
}
