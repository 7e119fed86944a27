/* Tables. Checked: a table that is read, written again and read again has the same fields. */
#include "fuzz.h"

#include <string.h>

#include "base/csv.h"

/* What was read of a table: the fields, each with its NUL, rows ended by an empty one. */
struct fields {
    FILE *seen;
    struct sam_csv *copy; /* the table is written here again, if not NULL */
};

static int on_row(void *context, uint64_t row, char *const *fields, size_t count,
                  struct sam_error *error)
{
    const struct fields *table = context;
    (void)row;
    for (size_t i = 0; i < count; i++) {
        fwrite(fields[i], 1, strlen(fields[i]) + 1, table->seen);
        if (table->copy)
            sam_csv_text(table->copy, fields[i]);
    }
    fputc('\n', table->seen);
    return table->copy ? sam_csv_end_row(table->copy, error) : 0;
}

/* Reads a table, *seen (the caller's to free) in *length bytes. */
static int read_table(const void *data, size_t size, struct sam_csv *copy, char **seen,
                      size_t *length)
{
    struct sam_error error;
    FILE *file = fmemopen((void *)data, size, "rb");
    struct fields table = {.seen = open_memstream(seen, length), .copy = copy};
    DEMAND(file && table.seen);
    const int status = sam_csv_read(file, "fuzz", on_row, &table, &error);
    fclose(file);
    fclose(table.seen);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *first, *second, *written;
    size_t first_length, second_length, written_length;
    if (size == 0)
        return 0;
    struct sam_csv copy = {.file = open_memstream(&written, &written_length)};
    DEMAND(copy.file);
    const int status = read_table(data, size, &copy, &first, &first_length);
    fclose(copy.file);
    if (status == 0 && written_length > 0) {
        DEMAND(read_table(written, written_length, NULL, &second, &second_length) == 0);
        DEMAND(first_length == second_length && memcmp(first, second, first_length) == 0);
        free(second);
    }
    free(first);
    free(written);
    return 0;
}
