/* rows - the columns that all tables of the analysis tools begin with, and counts in them. */
#ifndef SAM_ANALYSIS_ROWS_H
#define SAM_ANALYSIS_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "analysis/input.h"
#include "analysis/options.h"
#include "base/csv.h"

/* The header "step,epoch[,tensor|kind],parameters", to which a tool adds its own columns. */
void sam_rows_header(struct sam_csv *csv, const struct sam_options *options);

/* The same columns of a row: the group of the record at hand. The epoch is empty where the record
 * has none. */
void sam_rows_begin(struct sam_csv *csv, const struct sam_input *input, size_t group);

/* The part of both that tells the group, "[tensor|kind],parameters", for tables that begin with
 * other columns. */
void sam_rows_header_group(struct sam_csv *csv, const struct sam_options *options);
void sam_rows_begin_group(struct sam_csv *csv, const struct sam_input *input, size_t group);

/* A count of some of `parameters`: as it is, or with --percent 100 * count / parameters. */
void sam_rows_count(struct sam_csv *csv, const struct sam_options *options, uint64_t count,
                    uint64_t parameters);

/* The same of an expected count. */
void sam_rows_expected(struct sam_csv *csv, const struct sam_options *options, double count,
                       uint64_t parameters);

#endif
