#define XXH_STATIC_LINKING_ONLY /* the hash's state stands on the stack */
#include "train/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

int sam_model_init(struct sam_model *model, const struct sam_arch *arch, uint64_t seed,
                   struct sam_error *error)
{
    *model = (struct sam_model){.arch = *arch};
    if (sam_arch_check(arch, error) || sam_arch_tables_init(&model->tables, arch, error))
        return -1;
    model->parameters =
        sam_memory_new(model->tables.parameter_count, sizeof *model->parameters, error);
    model->buffers = sam_memory_new(model->tables.buffer_count, sizeof *model->buffers, error);
    if (!model->parameters || !model->buffers)
        return -1;
    sam_arch_init_parameters(&model->tables, seed, model->parameters);
    sam_arch_init_buffers(&model->tables, model->buffers);
    return 0;
}

void sam_model_free(struct sam_model *model)
{
    sam_arch_tables_free(&model->tables);
    free(model->parameters);
    free(model->buffers);
    *model = (struct sam_model){0};
}

/* The tensor `name`, which must have ndim dimensions; its sizes fit an int. */
static const struct sam_tensor *find(const struct sam_weights *weights, const char *path,
                                     const char *name, int ndim, struct sam_error *error)
{
    const struct sam_tensor *tensor = sam_weights_find(weights, name);
    if (!tensor) {
        sam_error_set(error, SAM_FAILED, "%s: no tensor '%s', wanted a ResNet-18 or 34", path,
                      name);
        return NULL;
    }
    bool valid = tensor->ndim == ndim;
    for (int i = 0; valid && i < ndim; i++)
        valid = tensor->shape[i] <= INT32_MAX;
    if (valid)
        return tensor;
    sam_error_set(error, SAM_FAILED, "%s: tensor '%s' has %d dimensions, wanted %d of usual size",
                  path, name, tensor->ndim, ndim);
    return NULL;
}

int sam_model_infer(const struct sam_weights *weights, const char *path, struct sam_arch *arch,
                    struct sam_error *error)
{
    const struct sam_tensor *stem = find(weights, path, "conv1.weight", 4, error);
    const struct sam_tensor *linear = stem ? find(weights, path, "linear.weight", 2, error) : NULL;
    if (!linear)
        return -1;
    *arch = (struct sam_arch){
        /* The first stage has two blocks in a ResNet-18 and three in a ResNet-34. */
        .depth = sam_weights_find(weights, "layer1.2.conv1.weight") ? 34 : 18,
        .width = (int)stem->shape[0],
        .channels = (int)stem->shape[1],
        .classes = (int)linear->shape[0],
    };
    struct sam_error why;
    if (sam_arch_check(arch, &why))
        return sam_error_set(error, SAM_FAILED, "%s: %s", path, why.text);
    return 0;
}

/* That a tensor's shape, and not only its size, is the network's. */
static int check_shape(const struct sam_tensor *tensor, const struct sam_arch_tensor *wanted,
                       const char *path, struct sam_error *error)
{
    bool same = tensor->ndim == wanted->ndim;
    for (int i = 0; same && i < wanted->ndim; i++)
        same = tensor->shape[i] == wanted->shape[i];
    if (same)
        return 0;
    return sam_error_set(error, SAM_FAILED,
                         "%s: tensor '%s' has another shape than this network's, of %zu elements",
                         path, wanted->name, wanted->count);
}

static int load(const struct sam_weights *weights, const char *path,
                const struct sam_arch_tensor *tensors, size_t count, bool optional, float *out,
                struct sam_error *error)
{
    for (size_t i = 0; i < count; i++) {
        const struct sam_arch_tensor *wanted = &tensors[i];
        const struct sam_tensor *tensor = sam_weights_find(weights, wanted->name);
        if (!tensor && optional)
            continue;
        if ((tensor && check_shape(tensor, wanted, path, error)) ||
            sam_weights_copy(weights, path, wanted->name, wanted->count, out + wanted->offset,
                             error))
            return -1;
    }
    return 0;
}

int sam_model_load(struct sam_model *model, const struct sam_weights *weights, const char *path,
                   bool buffers_optional, struct sam_error *error)
{
    const struct sam_arch_tables *tables = &model->tables;
    if (load(weights, path, tables->parameters, tables->parameter_tensors, false, model->parameters,
             error))
        return -1;
    return load(weights, path, tables->buffers, tables->buffer_tensors, buffers_optional,
                model->buffers, error);
}

static int announce(struct sam_writer *writer, const struct sam_arch_tensor *tensors, size_t count,
                    struct sam_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (sam_writer_tensor(writer, tensors[i].name, SAM_F32, tensors[i].ndim, tensors[i].shape,
                              error))
            return -1;
    }
    return 0;
}

int sam_model_write(const struct sam_model *model, struct sam_writer *writer,
                    struct sam_error *error)
{
    const struct sam_arch_tables *tables = &model->tables;
    /* The tag by which Python's packages know that the tensors are PyTorch's. */
    if (sam_writer_meta(writer, "format", "pt", error) ||
        announce(writer, tables->parameters, tables->parameter_tensors, error) ||
        announce(writer, tables->buffers, tables->buffer_tensors, error) ||
        sam_writer_header(writer, error) ||
        sam_writer_data(writer, model->parameters, tables->parameter_count * sizeof(float),
                        error) ||
        sam_writer_data(writer, model->buffers, tables->buffer_count * sizeof(float), error))
        return -1;
    return sam_writer_end(writer, error);
}

uint64_t sam_model_identity(const struct sam_model *model)
{
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, model->parameters, model->tables.parameter_count * sizeof(float));
    XXH3_64bits_update(&state, model->buffers, model->tables.buffer_count * sizeof(float));
    return XXH3_64bits_digest(&state);
}

void sam_model_copy(struct sam_model *to, const struct sam_model *from)
{
    memcpy(to->parameters, from->parameters, from->tables.parameter_count * sizeof(float));
    memcpy(to->buffers, from->buffers, from->tables.buffer_count * sizeof(float));
}
