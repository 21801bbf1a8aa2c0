/* Compiled models as rows of a table: the sources that fuzzing generates make one of each model. */
#ifndef RUN_GRAPHS_H
#define RUN_GRAPHS_H

#include <stddef.h>
#include <stdint.h>

/* Like model_tensor_t of every generated header. */
typedef struct {
    const char *name;
    void *data;
    size_t bytes;
} textzoo_tensor_t;

typedef struct {
    void (*reset)(void);
    void (*run)(void);
    void (*spoil)(void);   /* overwrites all memory that is not carried from step to step */
    int32_t (*sound)(void); /* whether the constants are those that were compiled */
    const textzoo_tensor_t *inputs;
    const textzoo_tensor_t *outputs;
    const textzoo_tensor_t *states;
} textzoo_graph_t;

extern const textzoo_graph_t *const textzoo_graphs[];

#endif
