/* engine_backend - what an implementation of nn/engine.h provides; engine.c chooses among them. */
#ifndef SAM_NN_ENGINE_BACKEND_H
#define SAM_NN_ENGINE_BACKEND_H

#include <stdbool.h>

#include "nn/engine.h"

/* The functions mean what their namesakes in nn/engine.h mean; `state` is what create() returned. */
struct sam_engine_backend {
    const char *name;         /* as in --kernels */
    bool (*supported)(void);  /* can this machine run it? */
    void *(*create)(const struct sam_engine_settings *settings, struct sam_pool *pool,
                    struct sam_error *error);
    void (*destroy)(void *state);
    const char *(*description)(const void *state);
    void (*gradient)(void *state, const float *parameters, float *buffers, const float *images,
                     const uint8_t *labels, int batch, float *gradient,
                     struct sam_engine_result *result);
    void (*evaluate)(void *state, const float *parameters, const float *buffers,
                     const float *images, const uint8_t *labels, int batch,
                     struct sam_engine_result *result);
    const struct sam_engine_timing *(*timings)(const void *state, size_t *count);
};

#endif
