#include "train/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/memory.h"

/* The keys of the state that this file owns. */
static const char WEIGHTS_KEY[] = "weights_xxh3", BEST_KEY[] = "best_xxh3";

/* `path` with `suffix`. The caller frees. */
static char *with_suffix(const char *path, const char *suffix, struct sam_error *error)
{
    const size_t size = strlen(path) + strlen(suffix) + 1;
    char *name = sam_memory_new(size, 1, error);
    if (name)
        snprintf(name, size, "%s%s", path, suffix);
    return name;
}

/* --- Saving ----------------------------------------------------------------------------------- */

static int write_model(const struct sam_checkpoint_content *content, struct sam_writer *writer,
                       struct sam_error *error)
{
    return sam_model_write(content->model, writer, error);
}

static int write_best(const struct sam_checkpoint_content *content, struct sam_writer *writer,
                      struct sam_error *error)
{
    return sam_model_write(content->best, writer, error);
}

static int write_identity(struct sam_writer *writer, const char *key, const struct sam_model *model,
                          struct sam_error *error)
{
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, sam_model_identity(model));
    return sam_writer_meta(writer, key, text, error);
}

/* The checksum of the data, which every reader verifies: the momentum. */
static int write_checksum(const struct sam_checkpoint_content *content, struct sam_writer *writer,
                          struct sam_error *error)
{
    const size_t bytes = content->model->tables.parameter_count * sizeof(float);
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, (uint64_t)XXH3_64bits(content->momentum, bytes));
    return sam_writer_meta(writer, "xxh3", text, error);
}

static int write_state(const struct sam_checkpoint_content *content, struct sam_writer *writer,
                       struct sam_error *error)
{
    const struct sam_arch_tables *tables = &content->model->tables;
    if (write_checksum(content, writer, error) ||
        write_identity(writer, WEIGHTS_KEY, content->model, error) ||
        (content->best && write_identity(writer, BEST_KEY, content->best, error)))
        return -1;
    for (size_t i = 0; i < content->meta_count; i++) {
        if (sam_writer_meta(writer, content->meta[i].key, content->meta[i].value, error))
            return -1;
    }
    for (size_t i = 0; i < tables->parameter_tensors; i++) {
        const struct sam_arch_tensor *tensor = &tables->parameters[i];
        char name[80];
        snprintf(name, sizeof name, "momentum/%s", tensor->name);
        if (sam_writer_tensor(writer, name, SAM_F32, tensor->ndim, tensor->shape, error))
            return -1;
    }
    if (sam_writer_header(writer, error) ||
        sam_writer_data(writer, content->momentum, tables->parameter_count * sizeof(float), error))
        return -1;
    return sam_writer_end(writer, error);
}

typedef int write_part(const struct sam_checkpoint_content *content, struct sam_writer *writer,
                       struct sam_error *error);

static int write_durably(FILE *file, const char *path, write_part *write,
                         const struct sam_checkpoint_content *content, struct sam_error *error)
{
    struct sam_writer *writer = sam_writer_new(file, path, error);
    if (!writer)
        return -1;
    int status = write(content, writer, error);
    if (!status && fsync(fileno(file)))
        status = sam_error_errno(error, "%s", path);
    sam_writer_free(writer);
    return status;
}

/* Writes PATH.SUFFIX.next, whole and on the disk, or leaves nothing. */
static int write_next(const char *path, const char *suffix, write_part *write,
                      const struct sam_checkpoint_content *content, struct sam_error *error)
{
    char *next = with_suffix(path, suffix, error);
    if (!next)
        return -1;
    FILE *file = fopen(next, "wb");
    int status = file ? write_durably(file, next, write, content, error)
                      : sam_error_errno(error, "%s", next);
    if (file && fclose(file) && !status)
        status = sam_error_errno(error, "%s", next);
    if (file && status)
        remove(next);
    free(next);
    return status;
}

/* Renames PATH.SUFFIX.next to PATH.SUFFIX; `suffix` ends in ".next". */
static int promote(const char *path, const char *suffix, struct sam_error *error)
{
    char *next = with_suffix(path, suffix, error);
    char *name = next ? sam_memory_string(next, error) : NULL;
    int status = -1;
    if (name) {
        name[strlen(name) - strlen(".next")] = '\0';
        status = rename(next, name) ? sam_error_errno(error, "%s", name) : 0;
    }
    free(next);
    free(name);
    return status;
}

/* Makes the renamings durable, and in their order, where the system can. */
static void sync_folder(const char *path)
{
    char *folder = strdup(path);
    if (!folder)
        return;
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    const int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    free(folder);
}

/* Removes PATH.SUFFIX, which does not belong to the checkpoint that stays. */
static void drop(const char *path, const char *suffix)
{
    struct sam_error ignored;
    char *name = with_suffix(path, suffix, &ignored);
    if (name)
        remove(name);
    free(name);
}

static int write_all(const char *path, const struct sam_checkpoint_content *content, bool best,
                     struct sam_error *error)
{
    if (best && write_next(path, ".best.next", write_best, content, error))
        return -1;
    if (write_next(path, ".state.next", write_state, content, error) == 0) {
        if (write_next(path, ".next", write_model, content, error) == 0)
            return 0;
        drop(path, ".state.next");
    }
    if (best)
        drop(path, ".best.next");
    return -1;
}

int sam_checkpoint_save(const char *path, const struct sam_checkpoint_content *content,
                        struct sam_error *error)
{
    const bool best = content->best && content->best_changed;
    if (write_all(path, content, best, error) || promote(path, ".next", error))
        return -1;
    sync_folder(path);
    if (!content->best)
        drop(path, ".best"); /* another run's */
    if ((best && promote(path, ".best.next", error)) || promote(path, ".state.next", error))
        return -1;
    sync_folder(path);
    return 0;
}

/* --- Loading ---------------------------------------------------------------------------------- */

/* How often to look for files that belong together: a training that goes on may replace some of
 * them between one look and the next. */
enum { ATTEMPTS = 3 };

static bool names(const struct sam_weights *state, const char *key, uint64_t identity)
{
    const char *text = sam_header_meta(&state->header, key);
    char wanted[17];
    snprintf(wanted, sizeof wanted, "%016" PRIx64, identity);
    return text && strcmp(text, wanted) == 0;
}

/* Reads PATH.SUFFIX; returns 1 if there is no such file. */
static int read_part(const char *path, const char *suffix, struct sam_weights *part,
                     struct sam_error *error)
{
    char *name = with_suffix(path, suffix, error);
    if (!name)
        return -1;
    const bool missing = access(name, F_OK) && errno == ENOENT; /* else reading says what it is */
    const int status = missing ? 1 : sam_weights_read(name, part, error);
    free(name);
    return status;
}

/* Reads the state that belongs to the weights: what the machine's stop left as FILE.state.next, or
 * FILE.state. Where two checkpoints in a row have the same weights both may name them, and only the
 * later one is sure to have its best weights still. */
static int read_state(const char *path, struct sam_checkpoint *checkpoint, struct sam_error *error)
{
    static const char *const suffixes[] = {".state.next", ".state"};
    int status = 1;
    for (int i = 0; i < 2; i++) {
        status = read_part(path, suffixes[i], &checkpoint->state, error);
        if (status)
            continue; /* missing or unfinished: not the one */
        checkpoint->state_is_next = i == 0;
        if (names(&checkpoint->state, WEIGHTS_KEY, checkpoint->weights.xxh3))
            return 0;
        sam_weights_free(&checkpoint->state);
    }
    if (status < 0)
        return -1;
    if (status == 1)
        return sam_error_set(error, SAM_FAILED,
                             "%s.state: no such file, wanted the other part of the checkpoint %s",
                             path, path);
    return sam_error_set(error, SAM_FAILED,
                         "%s: weights with XXH3 %016" PRIx64
                         ", wanted a %s.state that names them: they were not written together",
                         path, checkpoint->weights.xxh3, path);
}

/* Reads the best weights, if the state names some: FILE.best, or FILE.best.next. */
static int read_best(const char *path, struct sam_checkpoint *checkpoint, struct sam_error *error)
{
    static const char *const suffixes[] = {".best", ".best.next"};
    if (!sam_header_meta(&checkpoint->state.header, BEST_KEY))
        return 0;
    for (int i = 0; i < 2; i++) {
        struct sam_error why;
        if (read_part(path, suffixes[i], &checkpoint->best, &why))
            continue;
        checkpoint->has_best = names(&checkpoint->state, BEST_KEY, checkpoint->best.xxh3);
        checkpoint->best_is_next = i == 1;
        if (checkpoint->has_best)
            return 0;
        sam_weights_free(&checkpoint->best);
    }
    return sam_error_set(error, SAM_FAILED,
                         "%s.best: not the weights that %s.state names: they were not written "
                         "together",
                         path, path);
}

static int load_once(const char *path, struct sam_checkpoint *checkpoint, struct sam_error *error)
{
    *checkpoint = (struct sam_checkpoint){0};
    int status = read_part(path, "", &checkpoint->weights, error);
    if (status)
        return status;
    checkpoint->path = sam_memory_string(path, error);
    if (!checkpoint->path || read_state(path, checkpoint, error) ||
        read_best(path, checkpoint, error)) {
        sam_checkpoint_free(checkpoint);
        return -1;
    }
    return 0;
}

int sam_checkpoint_load(const char *path, struct sam_checkpoint *checkpoint,
                        struct sam_error *error)
{
    int status = -1;
    for (int i = 0; status < 0 && i < ATTEMPTS; i++)
        status = load_once(path, checkpoint, error);
    return status;
}

int sam_checkpoint_settle(const struct sam_checkpoint *checkpoint, struct sam_error *error)
{
    if ((checkpoint->best_is_next && promote(checkpoint->path, ".best.next", error)) ||
        (checkpoint->state_is_next && promote(checkpoint->path, ".state.next", error)))
        return -1;
    sync_folder(checkpoint->path);
    return 0;
}

void sam_checkpoint_free(struct sam_checkpoint *checkpoint)
{
    sam_weights_free(&checkpoint->weights);
    sam_weights_free(&checkpoint->state);
    sam_weights_free(&checkpoint->best);
    free(checkpoint->path);
    *checkpoint = (struct sam_checkpoint){0};
}

int sam_checkpoint_momentum(const struct sam_checkpoint *checkpoint,
                            const struct sam_arch_tables *tables, float *momentum,
                            struct sam_error *error)
{
    for (size_t i = 0; i < tables->parameter_tensors; i++) {
        const struct sam_arch_tensor *tensor = &tables->parameters[i];
        char name[80];
        snprintf(name, sizeof name, "momentum/%s", tensor->name);
        if (sam_weights_copy(&checkpoint->state, checkpoint->path, name, tensor->count,
                             momentum + tensor->offset, error))
            return -1;
    }
    return 0;
}
