#include "train/indices.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/memory.h"

/* A list under way. */
struct builder {
    struct sam_indices *made;
    size_t count, capacity, starts_capacity;
    uint32_t most;
    struct sam_error *error;
};

/* Ends the minibatch under way, if it has images. */
static int end_batch(struct builder *builder)
{
    struct sam_indices *made = builder->made;
    const size_t length = builder->count - made->starts[made->batches];
    if (length == 0)
        return 0;
    if (made->batches + 2 > builder->starts_capacity) {
        const size_t capacity = 2 * builder->starts_capacity;
        size_t *starts = sam_memory_resize(made->starts, capacity, sizeof *starts, builder->error);
        if (!starts)
            return -1;
        made->starts = starts;
        builder->starts_capacity = capacity;
    }
    made->starts[++made->batches] = builder->count;
    if (length > made->longest)
        made->longest = (uint32_t)length;
    return 0;
}

static int add(struct builder *builder, uint32_t index)
{
    struct sam_indices *made = builder->made;
    if (builder->count == builder->capacity) {
        const size_t capacity = 2 * builder->capacity + 256;
        uint32_t *list = sam_memory_resize(made->list, capacity, sizeof *list, builder->error);
        if (!list)
            return -1;
        made->list = list;
        builder->capacity = capacity;
    }
    made->list[builder->count++] = index;
    if (index > made->largest)
        made->largest = index;
    const size_t length = builder->count - made->starts[made->batches];
    return builder->most && length == builder->most ? end_batch(builder) : 0;
}

static bool is_blank(const char *line)
{
    return line[strspn(line, " \t\r\n")] == '\0';
}

/* Adds the numbers of a line; false at what is none. */
static bool take_line(struct builder *builder, const char *at, int *status)
{
    for (;;) {
        at += strspn(at, ", \t\r\n");
        if (*at == '\0')
            return true;
        char *end;
        errno = 0;
        const unsigned long value = isdigit((unsigned char)*at) ? strtoul(at, &end, 10) : ULONG_MAX;
        if (errno || value > UINT32_MAX || !strchr(", \t\r\n", *end))
            return false;
        if ((*status = add(builder, (uint32_t)value)))
            return true;
        at = end;
    }
}

static int read_lines(struct builder *builder, FILE *file, const char *path)
{
    char *line = NULL;
    size_t size = 0, number = 0;
    ssize_t length;
    int status = 0;
    while (!status && (length = getline(&line, &size, file)) >= 0) {
        const bool whole = strlen(line) == (size_t)length;
        number++;
        if (whole && is_blank(line))
            status = end_batch(builder);
        else if (!whole || !take_line(builder, line, &status))
            status = sam_error_set(builder->error, SAM_FAILED,
                                   "%s: line %zu: not only whole numbers, wanted indices of images",
                                   path, number);
    }
    free(line);
    if (!status && ferror(file))
        status = sam_error_errno(builder->error, "%s", path);
    return status ? status : end_batch(builder);
}

int sam_indices_read(const char *path, uint32_t most, struct sam_indices *indices,
                     struct sam_error *error)
{
    struct builder builder = {.made = indices, .starts_capacity = 16, .most = most, .error = error};
    *indices = (struct sam_indices){0};
    const bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "r");
    if (!file)
        return sam_error_errno(error, "%s", path);
    path = standard ? "standard input" : path;
    indices->starts = sam_memory_new(builder.starts_capacity, sizeof *indices->starts, error);
    int status = indices->starts ? read_lines(&builder, file, path) : -1;
    if (!status && indices->batches == 0)
        status = sam_error_set(error, SAM_FAILED, "%s: empty, wanted indices of images", path);
    if (file != stdin)
        fclose(file);
    if (status)
        sam_indices_free(indices);
    return status;
}

void sam_indices_free(struct sam_indices *indices)
{
    free(indices->list);
    free(indices->starts);
    *indices = (struct sam_indices){0};
}
