#include "train/predictions.h"

#include <stdlib.h>

#include "base/csv.h"
#include "base/memory.h"

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
    const struct sam_images *test = &run->batches.dataset.test;
    uint8_t *final = sam_memory_new(test->count, 1, error);
    uint8_t *best = final ? sam_memory_new(test->count, 1, error) : NULL;
    int status = -1;
    if (best) {
        struct sam_error why;
        sam_batches_answers(&run->batches, run->engine, &run->model, final);
        if (run->state.best_epoch)
            sam_batches_answers(&run->batches, run->engine, &run->best, best);
        status = write_table(test, final, run->state.best_epoch ? best : NULL, file, &why);
        if (status)
            sam_error_set(error, why.status, "%s: %s", name, why.text);
    }
    free(final);
    free(best);
    return status;
}
