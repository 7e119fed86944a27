#include "train/predictions.h"

#include "base/csv.h"

/* `best` is NULL where there are no best weights. */
static int write_table(const struct sam_images *test, const uint8_t *final, const uint8_t *best,
                       FILE *file, struct sam_error *error)
{
    static const char *const header[] = {"image", "label", "final", "best", NULL};
    struct sam_csv csv = {.file = file};
    sam_csv_header(&csv, header);
    int status = sam_csv_end_row(&csv, error);
    for (uint32_t i = 0; !status && i < test->count; i++) {
        sam_csv_count(&csv, i);
        sam_csv_count(&csv, test->labels[i]);
        sam_csv_count(&csv, final[i]);
        if (best)
            sam_csv_count(&csv, best[i]);
        else
            sam_csv_text(&csv, NULL);
        status = sam_csv_end_row(&csv, error);
    }
    return status;
}

int sam_predictions_write(struct sam_run *run, FILE *file, const char *name,
                          struct sam_error *error)
{
    struct sam_error why;
    sam_run_answer(run);
    const int status =
        write_table(&run->batches.dataset.test, run->answers.right,
                    run->state.best_epoch ? run->best_answers.right : NULL, file, &why);
    if (status)
        sam_error_set(error, why.status, "%s: %s", name, why.text);
    return status;
}
