#include "analysis/rows.h"

void sam_rows_header(struct sam_csv *csv, const struct sam_options *options)
{
    sam_csv_text(csv, "step");
    sam_csv_text(csv, "epoch");
    sam_rows_header_group(csv, options);
}

void sam_rows_header_group(struct sam_csv *csv, const struct sam_options *options)
{
    if (options->by == SAM_OPTIONS_BY_TENSOR)
        sam_csv_text(csv, "tensor");
    if (options->by == SAM_OPTIONS_BY_KIND)
        sam_csv_text(csv, "kind");
    sam_csv_text(csv, "parameters");
}

void sam_rows_begin(struct sam_csv *csv, const struct sam_input *input, size_t group)
{
    sam_csv_count(csv, input->step);
    if (input->record->has_epoch)
        sam_csv_count(csv, input->record->epoch);
    else
        sam_csv_text(csv, NULL);
    sam_rows_begin_group(csv, input, group);
}

void sam_rows_begin_group(struct sam_csv *csv, const struct sam_input *input, size_t group)
{
    if (input->groups[group].name)
        sam_csv_text(csv, input->groups[group].name);
    sam_csv_count(csv, input->groups[group].parameters);
}

void sam_rows_count(struct sam_csv *csv, const struct sam_options *options, uint64_t count,
                    uint64_t parameters)
{
    if (options->percent)
        sam_rows_expected(csv, options, (double)count, parameters);
    else
        sam_csv_count(csv, count);
}

void sam_rows_expected(struct sam_csv *csv, const struct sam_options *options, double count,
                       uint64_t parameters)
{
    sam_csv_number(csv, options->percent ? 100 * count / (double)parameters : count);
}
