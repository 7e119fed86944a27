#include "nn/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "nn/engine_backend.h"

#define NAME(name) #name,
#define ADDRESS(name) &sam_engine_backend_##name,
static const char *const names[] = {SAM_ENGINE_BACKENDS(NAME) NULL};
static const struct sam_engine_backend *const backends[] = {SAM_ENGINE_BACKENDS(ADDRESS)};
#undef NAME
#undef ADDRESS

struct sam_engine {
    const struct sam_engine_backend *backend;
    void *state;
};

/* The last backend runs everywhere, so there always is a first one that this machine supports. */
static size_t first_supported(void)
{
    size_t i = 0;
    while (!backends[i]->supported())
        i++;
    return i;
}

const char *const *sam_engine_kernel_names(void)
{
    return names + first_supported();
}

static const struct sam_engine_backend *find(const char *kernels, struct sam_error *error)
{
    const size_t first = first_supported();
    if (!kernels || strcmp(kernels, "auto") == 0)
        return backends[first];
    char known[256] = "";
    for (size_t i = first; names[i]; i++) {
        if (strcmp(kernels, names[i]) == 0)
            return backends[i];
        strncat(known, ", ", sizeof known - strlen(known) - 1);
        strncat(known, names[i], sizeof known - strlen(known) - 1);
    }
    sam_error_set(error, SAM_USAGE, "kernels '%s': on this machine one of auto%s wanted", kernels,
                  known);
    return NULL;
}

int sam_engine_check_kernels(const char *kernels, struct sam_error *error)
{
    return find(kernels, error) ? 0 : -1;
}

struct sam_engine *sam_engine_new(const struct sam_engine_settings *settings, struct sam_pool *pool,
                                  struct sam_error *error)
{
    const struct sam_engine_backend *backend = find(settings->kernels, error);
    if (!backend || sam_arch_check(&settings->arch, error))
        return NULL;
    if (settings->max_batch < 1 || settings->max_batch > SAM_ENGINE_MAX_BATCH) {
        sam_error_set(error, SAM_USAGE, "batch size %d: 1 to %d wanted", settings->max_batch,
                      SAM_ENGINE_MAX_BATCH);
        return NULL;
    }
    struct sam_engine *engine = sam_memory_new(1, sizeof *engine, error);
    if (!engine)
        return NULL;
    engine->backend = backend;
    engine->state = backend->create(settings, pool, error);
    if (!engine->state) {
        free(engine);
        return NULL;
    }
    return engine;
}

void sam_engine_free(struct sam_engine *engine)
{
    if (!engine)
        return;
    engine->backend->destroy(engine->state);
    free(engine);
}

const char *sam_engine_description(const struct sam_engine *engine)
{
    return engine->backend->description(engine->state);
}

void sam_engine_gradient(struct sam_engine *engine, const float *parameters, float *buffers,
                         const float *images, const uint8_t *labels, int batch, float *gradient,
                         struct sam_engine_result *result)
{
    engine->backend->gradient(engine->state, parameters, buffers, images, labels, batch, gradient,
                              result);
}

void sam_engine_evaluate(struct sam_engine *engine, const float *parameters, const float *buffers,
                         const float *images, const uint8_t *labels, int batch,
                         struct sam_engine_result *result, uint8_t *right)
{
    engine->backend->evaluate(engine->state, parameters, buffers, images, labels, batch, result,
                              right);
}

const struct sam_engine_timing *sam_engine_timings(const struct sam_engine *engine, size_t *count)
{
    return engine->backend->timings(engine->state, count);
}
