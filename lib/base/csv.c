#include "base/csv.h"

#include <csv.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"

static void separate(struct sam_csv *csv)
{
    if (csv->in_row)
        putc_unlocked(',', csv->file);
    csv->in_row = true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Readers may strip spaces around a field that is not quoted, and take a row of one empty field for
 * an empty line, which is no row. */
static bool needs_quotes(const char *text, bool first)
{
    const size_t length = strlen(text);
    if (length == 0)
        return first;
    return strpbrk(text, ",\"\r\n") || is_space(text[0]) || is_space(text[length - 1]);
}

void sam_csv_text(struct sam_csv *csv, const char *text)
{
    const bool first = !csv->in_row;
    separate(csv);
    if (!text)
        return;
    if (needs_quotes(text, first))
        csv_fwrite(csv->file, text, strlen(text));
    else
        fputs(text, csv->file);
}

void sam_csv_count(struct sam_csv *csv, uint64_t value)
{
    separate(csv);
    fprintf(csv->file, "%" PRIu64, value);
}

void sam_csv_number(struct sam_csv *csv, double value)
{
    char text[SAM_NUMBER_TEXT];
    separate(csv);
    sam_number_text(value, text);
    fputs(text, csv->file);
}

int sam_csv_end_row(struct sam_csv *csv, struct sam_error *error)
{
    putc_unlocked('\n', csv->file);
    csv->in_row = false;
    if (fflush(csv->file) || ferror(csv->file))
        return sam_error_errno(error, "write of the table failed");
    return 0;
}

void sam_csv_header(struct sam_csv *csv, const char *const *names)
{
    for (; *names; names++)
        sam_csv_text(csv, *names);
}

/* The row being read: fields one after the other, NUL behind each. */
struct row {
    char *text, **fields;
    size_t *starts;
    size_t length, capacity, count, fields_capacity;
    uint64_t number;
    const char *name;
    sam_csv_row *on_row;
    void *context;
    struct sam_error *error;
    bool failed;
};

static int reserve_text(struct row *row, size_t wanted)
{
    if (wanted <= row->capacity)
        return 0;
    char *text = sam_memory_resize(row->text, 2 * wanted, 1, row->error);
    if (!text)
        return -1;
    row->text = text;
    row->capacity = 2 * wanted;
    return 0;
}

static int reserve_field(struct row *row)
{
    if (row->count < row->fields_capacity)
        return 0;
    const size_t capacity = 2 * row->count + 16;
    size_t *starts = sam_memory_resize(row->starts, capacity, sizeof *starts, row->error);
    if (!starts)
        return -1;
    row->starts = starts;
    char **fields = sam_memory_resize(row->fields, capacity, sizeof *fields, row->error);
    if (!fields)
        return -1;
    row->fields = fields;
    row->fields_capacity = capacity;
    return 0;
}

static void on_field(void *text, size_t length, void *context)
{
    struct row *row = context;
    if (row->failed)
        return;
    row->failed = reserve_field(row) || reserve_text(row, row->length + length + 1);
    if (row->failed)
        return;
    if (memchr(text, '\0', length)) {
        row->failed =
            sam_error_set(row->error, SAM_FAILED, "%s: row %" PRIu64 ": a NUL byte, wanted text",
                          row->name, row->number + 1);
        return;
    }
    row->starts[row->count++] = row->length;
    memcpy(row->text + row->length, text, length);
    row->text[row->length + length] = '\0';
    row->length += length + 1;
}

static void on_end(int separator, void *context)
{
    struct row *row = context;
    (void)separator;
    if (row->failed)
        return;
    for (size_t i = 0; i < row->count; i++)
        row->fields[i] = row->text + row->starts[i];
    row->number++;
    row->failed = row->on_row(row->context, row->number, row->fields, row->count, row->error) != 0;
    row->count = row->length = 0;
}

static int parse(FILE *file, struct csv_parser *parser, struct row *row)
{
    char buffer[1 << 16];
    size_t got;
    while ((got = fread(buffer, 1, sizeof buffer, file)) > 0) {
        if (csv_parse(parser, buffer, got, on_field, on_end, row) != got)
            return sam_error_set(row->error, SAM_FAILED, "%s: row %" PRIu64 ": %s", row->name,
                                 row->number + 1, csv_strerror(csv_error(parser)));
        if (row->failed)
            return -1;
    }
    if (ferror(file))
        return sam_error_errno(row->error, "%s: read failed", row->name);
    if (csv_fini(parser, on_field, on_end, row))
        return sam_error_set(row->error, SAM_FAILED, "%s: row %" PRIu64 ": %s", row->name,
                             row->number + 1, csv_strerror(csv_error(parser)));
    return row->failed ? -1 : 0;
}

int sam_csv_read(FILE *file, const char *name, sam_csv_row *on_row, void *context,
                 struct sam_error *error)
{
    struct csv_parser parser;
    struct row row = {.name = name, .on_row = on_row, .context = context, .error = error};
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI))
        return sam_error_set(error, SAM_FAILED, "%s: the CSV parser did not start", name);
    const int status = parse(file, &parser, &row);
    csv_free(&parser);
    free(row.text);
    free(row.fields);
    free(row.starts);
    return status;
}
