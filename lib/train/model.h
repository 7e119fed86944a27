/* model - a network's parameters and buffers in memory, and as a safetensors file under PyTorch's
 * names. */
#ifndef SAM_TRAIN_MODEL_H
#define SAM_TRAIN_MODEL_H

#include "base/error.h"
#include "nn/arch.h"
#include "stream/weights.h"
#include "stream/writer.h"

struct sam_model {
    struct sam_arch arch;
    struct sam_arch_tables tables;
    float *parameters; /* (tables.parameter_count) */
    float *buffers;    /* (tables.buffer_count): running means and variances */
};

/* A model with its initial values. The caller frees with sam_model_free(), also after a failure. */
int sam_model_init(struct sam_model *model, const struct sam_arch *arch, uint64_t seed,
                   struct sam_error *error);
void sam_model_free(struct sam_model *model);

/* The network that a file of weights is of, from the names and shapes of its tensors. `path` is for
 * messages. */
int sam_model_infer(const struct sam_weights *weights, const char *path, struct sam_arch *arch,
                    struct sam_error *error);

/* Takes parameters and buffers from a file of weights; tensors it does not know are ignored. With
 * `buffers_optional`, buffers that are missing stay as they are. */
int sam_model_load(struct sam_model *model, const struct sam_weights *weights, const char *path,
                   bool buffers_optional, struct sam_error *error);

/* Writes parameters and buffers as one record: all that PyTorch's load_state_dict() asks for, and
 * nothing else. */
int sam_model_write(const struct sam_model *model, struct sam_writer *writer,
                    struct sam_error *error);

/* XXH3-64 of the data of the record that sam_model_write() writes. */
uint64_t sam_model_identity(const struct sam_model *model);

/* Copies the values of a model of the same network. */
void sam_model_copy(struct sam_model *to, const struct sam_model *from);

#endif
