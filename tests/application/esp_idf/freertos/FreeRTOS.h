#ifndef STAND_IN_FREERTOS_H
#define STAND_IN_FREERTOS_H

#include <stdint.h>

typedef int BaseType_t;
typedef unsigned int UBaseType_t;
typedef uint32_t TickType_t;
typedef uint8_t StackType_t;

#define pdTRUE ((BaseType_t)1)
#define pdFALSE ((BaseType_t)0)
#define configTICK_RATE_HZ 100
#define pdMS_TO_TICKS(milliseconds) ((TickType_t)(((uint64_t)(milliseconds) * configTICK_RATE_HZ) / 1000u))
#define portMAX_DELAY ((TickType_t)0xFFFFFFFFu)
#define portNUM_PROCESSORS 2

#endif
