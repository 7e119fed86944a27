#include "train/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/number.h"

/* --- Which steps ------------------------------------------------------------------------------ */

static int parse_list(const char *name, const char *text, uint64_t most, struct sam_ranges *ranges,
                      struct sam_error *error)
{
    char all[48];
    if (!text)
        return 0;
    snprintf(all, sizeof all, "1-%" PRIu64, most);
    return sam_ranges_parse(name, strcmp(text, "all") == 0 ? all : text, 1, most, ranges, error);
}

int sam_dump_choice_init(struct sam_dump_choice *choice, const struct sam_settings *settings,
                         uint32_t per_epoch, struct sam_error *error)
{
    const uint64_t steps = settings->epochs * per_epoch;
    *choice = (struct sam_dump_choice){.every = settings->dump_every};
    if (settings->dump_every > steps)
        return sam_error_set(error, SAM_USAGE,
                             "--dump-every: %" PRIu64 ", wanted at most the steps of the run, "
                             "%" PRIu64,
                             settings->dump_every, steps);
    if (parse_list("--dump-steps", settings->dump_steps, steps, &choice->steps, error) ||
        parse_list("--dump-epochs", settings->dump_epochs, settings->epochs, &choice->epochs,
                   error))
        return -1;
    if (!choice->every && !choice->steps.count && !choice->epochs.count)
        choice->every = 1;
    return 0;
}

void sam_dump_choice_free(struct sam_dump_choice *choice)
{
    sam_ranges_free(&choice->steps);
    sam_ranges_free(&choice->epochs);
}

bool sam_dump_choice_has(const struct sam_dump_choice *choice, uint64_t step, uint32_t epoch,
                         bool last_of_epoch)
{
    return (choice->every && step % choice->every == 0) ||
           sam_ranges_contain(&choice->steps, step) ||
           (last_of_epoch && sam_ranges_contain(&choice->epochs, epoch));
}

/* --- The file --------------------------------------------------------------------------------- */

static int describe(struct sam_dump *dump, const struct sam_arch_tables *tables,
                    struct sam_error *error)
{
    dump->parameter_count = tables->parameter_tensors;
    dump->parameters = sam_memory_new(dump->parameter_count, sizeof *dump->parameters, error);
    if (!dump->parameters)
        return -1;
    for (size_t i = 0; i < dump->parameter_count; i++) {
        const struct sam_arch_tensor *tensor = &tables->parameters[i];
        dump->parameters[i] = (struct sam_writer_parameter){
            .name = tensor->name,
            .ndim = tensor->ndim,
            .shape = tensor->shape,
            .offset = tensor->offset,
            .count = tensor->count,
        };
    }
    return 0;
}

/* The mark of the first `bytes` bytes of the file. */
static int make_mark(const struct sam_dump *dump, uint64_t bytes, struct sam_dump_mark *mark,
                     struct sam_error *error)
{
    enum { TAIL = 4096 };
    char tail[TAIL];
    const size_t size = bytes < TAIL ? (size_t)bytes : TAIL;
    size_t done = 0;
    while (done < size) {
        const ssize_t got =
            pread(fileno(dump->file), tail + done, size - done, (off_t)(bytes - size + done));
        if (got < 0 && errno != EINTR)
            return sam_error_errno(error, "%s", dump->path);
        if (got == 0)
            return sam_error_set(error, SAM_FAILED, "%s: became shorter than its %" PRIu64 " bytes",
                                 dump->path, bytes);
        done += got > 0 ? (size_t)got : 0;
    }
    *mark = (struct sam_dump_mark){bytes, XXH3_64bits(tail, size)};
    return 0;
}

/* That the file begins with what a checkpoint knows of. */
static int check_mark(struct sam_dump *dump, struct sam_dump_mark wanted, struct sam_error *error)
{
    struct stat status;
    struct sam_dump_mark mark;
    if (fstat(fileno(dump->file), &status))
        return sam_error_errno(error, "%s", dump->path);
    dump->seekable = S_ISREG(status.st_mode);
    if (!dump->seekable || !wanted.bytes)
        return 0;
    if ((uint64_t)status.st_size < wanted.bytes)
        return sam_error_set(error, SAM_FAILED,
                             "%s: %jd bytes, wanted at least the %" PRIu64
                             " that the checkpoint knows: the file it was made with",
                             dump->path, (intmax_t)status.st_size, wanted.bytes);
    if (make_mark(dump, wanted.bytes, &mark, error))
        return -1;
    if (mark.tail == wanted.tail)
        return 0;
    return sam_error_set(error, SAM_FAILED,
                         "%s: XXH3 %016" PRIx64 " of what ends with byte %" PRIu64
                         ", wanted %016" PRIx64 ": the file that the checkpoint was made with",
                         dump->path, mark.tail, wanted.bytes, wanted.tail);
}

/* A regular file is opened for reading too, for its mark; a pipe must not be, which would hide that
 * nobody else reads it. */
static int open_file(struct sam_dump *dump, struct sam_dump_mark mark, struct sam_error *error)
{
    if (strcmp(dump->path, "-") == 0) {
        dump->file = stdout;
        return 0;
    }
    struct stat status;
    const bool stream = stat(dump->path, &status) == 0 && !S_ISREG(status.st_mode);
    const int flags = (stream ? O_WRONLY : O_RDWR) | (mark.bytes ? 0 : O_CREAT);
    const int fd = open(dump->path, flags, 0666);
    dump->file = fd < 0 ? NULL : fdopen(fd, "wb"); /* which empties nothing */
    if (!dump->file)
        return sam_error_errno(error, "%s", dump->path);
    return check_mark(dump, mark, error);
}

int sam_dump_open(struct sam_dump *dump, const char *path, struct sam_dump_mark mark,
                  const struct sam_arch_tables *tables, struct sam_error *error)
{
    *dump = (struct sam_dump){.path = path};
    if (open_file(dump, mark, error) || describe(dump, tables, error))
        return -1;
    dump->writer =
        sam_writer_new(dump->file, dump->file == stdout ? "standard output" : path, error);
    return dump->writer ? 0 : -1;
}

int sam_dump_cut(struct sam_dump *dump, uint64_t position, struct sam_error *error)
{
    if (dump->seekable && (ftruncate(fileno(dump->file), (off_t)position) ||
                           fseeko(dump->file, (off_t)position, SEEK_SET)))
        return sam_error_errno(error, "%s", dump->path);
    return 0;
}

/* --- Records ---------------------------------------------------------------------------------- */

/* Metadata under way: each value has room of its own. */
struct labels {
    struct sam_meta meta[16];
    char values[16][SAM_NUMBER_TEXT];
    size_t count;
};

static char *add_label(struct labels *labels, const char *key)
{
    const size_t i = labels->count++;
    labels->meta[i] = (struct sam_meta){(char *)key, labels->values[i]};
    return labels->values[i];
}

static void add_count(struct labels *labels, const char *key, uint64_t value)
{
    snprintf(add_label(labels, key), sizeof labels->values[0], "%" PRIu64, value);
}

static void add_number(struct labels *labels, const char *key, double value)
{
    sam_number_text(value, add_label(labels, key));
}

int sam_dump_write(struct sam_dump *dump, const struct sam_dump_labels *labels,
                   const struct sam_step_result *result, const float *current,
                   const float *perturbed, struct sam_error *error)
{
    struct labels made = {.count = 0};
    add_count(&made, "step", labels->step);
    add_count(&made, "epoch", labels->epoch);
    add_number(&made, "rho", labels->rho);
    add_number(&made, "lr", labels->lr);
    add_number(&made, "loss", result->loss);
    add_number(&made, "perturbed_loss", result->perturbed_loss);
    add_number(&made, "gradient_norm", result->gradient_norm);
    add_number(&made, "perturbed_gradient_norm", result->perturbed_gradient_norm);
    add_number(&made, "weight_norm", result->weight_norm);
    add_count(&made, "batch_size", labels->batch_size);
    snprintf(add_label(&made, "batch"), sizeof made.values[0], "%016" PRIx64, labels->batch);
    add_count(&made, "seed", labels->seed);
    if (labels->run)
        made.meta[made.count++] = (struct sam_meta){(char *)"run", (char *)labels->run};
    return sam_writer_gradients(dump->writer, made.meta, made.count, dump->parameters,
                                dump->parameter_count, current, perturbed, true, error);
}

int sam_dump_sync(struct sam_dump *dump, struct sam_dump_mark *mark, struct sam_error *error)
{
    *mark = (struct sam_dump_mark){0};
    if (!dump->file || !dump->seekable)
        return 0;
    const off_t at = ftello(dump->file);
    if (at < 0 || fflush(dump->file) || fsync(fileno(dump->file)))
        return sam_error_errno(error, "%s", dump->path);
    return at ? make_mark(dump, (uint64_t)at, mark, error) : 0;
}

int sam_dump_close(struct sam_dump *dump, struct sam_error *error)
{
    FILE *file = dump->file;
    sam_writer_free(dump->writer);
    free(dump->parameters);
    dump->file = NULL;
    dump->writer = NULL;
    dump->parameters = NULL;
    if (file && (file == stdout ? fflush(file) : fclose(file)))
        return sam_error_errno(error, "%s", file == stdout ? "standard output" : dump->path);
    return 0;
}
