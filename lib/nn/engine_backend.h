/* engine_backend - what an implementation of nn/engine.h provides; engine.c chooses among them.
 *
 * A backend is a constant named sam_engine_backend_NAME, where NAME is the one of --kernels and of
 * the list below, which is the only place that knows them all. */
#ifndef SAM_NN_ENGINE_BACKEND_H
#define SAM_NN_ENGINE_BACKEND_H

#include <stdbool.h>

#include "nn/engine.h"

/* Every backend, best first. A machine that can run one can run all behind it: the supported ones
 * are an end of the list. */
#define SAM_ENGINE_BACKENDS(entry) SAM_ENGINE_X86(entry) entry(portable) entry(plain) entry(double)
#if defined(__x86_64__)
#define SAM_ENGINE_X86(entry) entry(avx512) entry(avx2)
#else
#define SAM_ENGINE_X86(entry)
#endif

/* The functions mean what their namesakes in nn/engine.h mean; `state` is what create() returned.
 */
struct sam_engine_backend {
    bool (*supported)(void); /* can this machine run it? */
    void *(*create)(const struct sam_engine_settings *settings, struct sam_pool *pool,
                    struct sam_error *error);
    void (*destroy)(void *state);
    const char *(*description)(const void *state);
    void (*gradient)(void *state, const float *parameters, float *buffers, const float *images,
                     const uint8_t *labels, int batch, float *gradient,
                     struct sam_engine_result *result);
    void (*evaluate)(void *state, const float *parameters, const float *buffers,
                     const float *images, const uint8_t *labels, int batch,
                     struct sam_engine_result *result, uint8_t *right);
    const struct sam_engine_timing *(*timings)(const void *state, size_t *count);
};

#define SAM_ENGINE_DECLARE(name) extern const struct sam_engine_backend sam_engine_backend_##name;
SAM_ENGINE_BACKENDS(SAM_ENGINE_DECLARE)
#undef SAM_ENGINE_DECLARE

#endif
