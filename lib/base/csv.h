/* csv - tables as RFC 4180 with LF: written field by field, read record by record (libcsv).
 *
 * Numbers are written so that they read back to the same value, with a decimal point in every
 * locale (the tools never set LC_NUMERIC). */
#ifndef SAM_BASE_CSV_H
#define SAM_BASE_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

/* A table being written to `file`, which the caller owns; no other state, plain data. Errors stay
 * on the stream: sam_csv_end_row() and the caller's fclose() find them. */
struct sam_csv {
    FILE *file;
    bool in_row;
};

/* Appends one field to the current row; text is quoted where it needs to be. NULL is empty. */
void sam_csv_text(struct sam_csv *csv, const char *text);
void sam_csv_count(struct sam_csv *csv, uint64_t value);
/* The shortest of %.15g, %.16g, %.17g that reads back the same; "nan", "inf", "-inf". */
void sam_csv_number(struct sam_csv *csv, double value);

/* Ends the row and flushes it, so that a pipe shows progress; -1 if the stream is in error. */
int sam_csv_end_row(struct sam_csv *csv, struct sam_error *error);

/* Writes the fields of a NULL-terminated list: a header, or a part of one. */
void sam_csv_header(struct sam_csv *csv, const char *const *names);

/* Called for each row read: `fields` (count) are valid during the call; `row` counts from 1, the
 * header included. Returns 0 to go on, or -1 (with `error` filled) to stop reading. */
typedef int sam_csv_row(void *context, uint64_t row, char *const *fields, size_t count,
                        struct sam_error *error);

/* Reads a whole table, strictly: an unbalanced quote or a NUL byte is an error. 0 or -1. */
int sam_csv_read(FILE *file, const char *name, sam_csv_row *on_row, void *context,
                 struct sam_error *error);

#endif
