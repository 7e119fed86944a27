#include "train/history.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/csv.h"
#include "base/memory.h"

int sam_history_init(struct sam_history *history, const char *rows, struct sam_error *error)
{
    *history = (struct sam_history){.rows = sam_memory_string(rows ? rows : "", error)};
    return history->rows ? 0 : -1;
}

static int fail(const struct sam_history *history, struct sam_error *error)
{
    return sam_error_errno(error, "%s",
                           history->file == stdout ? "standard output" : history->path);
}

/* The seconds in `line` if it is the row (length), all columns but the last; else "". */
static const char *seconds_of(const char *line, const char *row, size_t length)
{
    const bool same = line && strncmp(line, row, length) == 0 && line[length] == ',';
    return same ? line + length + 1 : "";
}

/* Writes the rows known; `old`, a table that was here before (NULL: none), lends its seconds. It is
 * read as far as it agrees. */
static void write_rows(struct sam_history *history, char *old)
{
    char *line = old ? strchr(old, '\n') : NULL; /* behind the header */
    for (const char *row = history->rows; *row;) {
        const size_t length = strcspn(row, "\n");
        char *start = line ? line + 1 : NULL;
        line = start ? strchr(start, '\n') : NULL;
        if (line)
            *line = '\0';
        fprintf(history->file, "%.*s,%s\n", (int)length, row,
                line ? seconds_of(start, row, length) : "");
        row += length + 1;
    }
}

/* A file as one text; NULL if it cannot be read, which then is as if it were not there. */
static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0;
    if (!file)
        return NULL;
    if (getdelim(&text, &size, '\0', file) < 0) {
        free(text);
        text = NULL;
    }
    fclose(file);
    return text;
}

int sam_history_open(struct sam_history *history, const char *path, struct sam_error *error)
{
    static const char *const header[] = {"epoch",
                                         "step",
                                         "lr",
                                         "train_loss",
                                         "train_accuracy",
                                         "val_loss",
                                         "val_accuracy",
                                         "test_loss",
                                         "test_accuracy",
                                         "gradient_norm",
                                         "perturbed_gradient_norm",
                                         "weight_norm",
                                         "seconds",
                                         NULL};
    const bool out = !path || strcmp(path, "-") == 0;
    struct stat status; /* a pipe holds no earlier table, and would never end */
    const bool kept = !out && *history->rows && !stat(path, &status) && S_ISREG(status.st_mode);
    char *old = kept ? read_text(path) : NULL;
    history->path = path;
    history->file = out ? stdout : fopen(path, old ? "r+b" : "wb");
    if (!history->file) {
        free(old);
        return fail(history, error);
    }
    struct sam_csv csv = {.file = history->file};
    sam_csv_header(&csv, header);
    putc('\n', history->file);
    write_rows(history, old);
    bool failed = fflush(history->file) || ferror(history->file);
    if (old && !failed) /* what was there is overwritten, which a full disk does not mind */
        failed = ftruncate(fileno(history->file), ftello(history->file)) != 0;
    free(old);
    return failed ? fail(history, error) : 0;
}

static void add_number(struct sam_csv *csv, double value)
{
    if (isnan(value))
        sam_csv_text(csv, NULL);
    else
        sam_csv_number(csv, value);
}

/* The row's text, all columns but the last. The caller frees. */
static char *format_row(const struct sam_history_row *row, struct sam_error *error)
{
    char *text = NULL;
    size_t size;
    struct sam_csv csv = {.file = open_memstream(&text, &size)};
    if (!csv.file) {
        sam_error_errno(error, "a row of the table");
        return NULL;
    }
    const double numbers[] = {row->lr,
                              row->train_loss,
                              row->train_accuracy,
                              row->val_loss,
                              row->val_accuracy,
                              row->test_loss,
                              row->test_accuracy,
                              row->gradient_norm,
                              row->perturbed_gradient_norm,
                              row->weight_norm};
    sam_csv_count(&csv, row->epoch);
    sam_csv_count(&csv, row->step);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        add_number(&csv, numbers[i]);
    if (fclose(csv.file)) {
        sam_error_errno(error, "a row of the table");
        free(text);
        return NULL;
    }
    return text;
}

static int remember(struct sam_history *history, const char *text, struct sam_error *error)
{
    const size_t had = strlen(history->rows), more = strlen(text);
    char *rows = sam_memory_resize(history->rows, had + more + 2, 1, error);
    if (!rows)
        return -1;
    memcpy(rows + had, text, more);
    memcpy(rows + had + more, "\n", 2);
    history->rows = rows;
    return 0;
}

int sam_history_add(struct sam_history *history, const struct sam_history_row *row,
                    struct sam_error *error)
{
    char *text = format_row(row, error);
    if (!text)
        return -1;
    int status = remember(history, text, error);
    if (!status && history->file) {
        fprintf(history->file, "%s,%.3f\n", text, row->seconds);
        if (fflush(history->file) || ferror(history->file))
            status = fail(history, error);
    }
    free(text);
    return status;
}

int sam_history_sync(struct sam_history *history, struct sam_error *error)
{
    FILE *file = history->file;
    /* What is no regular file has nothing to make durable, and says so by EINVAL. */
    const bool kept = !file || file == stdout || fsync(fileno(file)) == 0 || errno == EINVAL;
    return kept && !(file && ferror(file)) ? 0 : fail(history, error);
}

int sam_history_close(struct sam_history *history, struct sam_error *error)
{
    FILE *file = history->file;
    free(history->rows);
    history->rows = NULL;
    const bool failed = file && (file == stdout ? fflush(file) : fclose(file));
    const int status = failed ? fail(history, error) : 0;
    history->file = NULL; /* which fclose() ends even where it fails */
    return status;
}
