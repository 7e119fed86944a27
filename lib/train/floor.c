#include "train/floor.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "geometry/ratio.h"

struct sam_floor {
    struct sam_run *run;
    struct sam_engine *engine;  /* the other arithmetic */
    struct sam_step *step;      /* its gradients */
    struct sam_profile profile; /* its time, which nobody asks for */
    uint8_t *classes[2];        /* (n) */
    struct sam_csv csv;
};

struct sam_floor *sam_floor_new(struct sam_run *run, const char *kernels, FILE *file,
                                struct sam_error *error)
{
    static const char *const header[] = {"step",
                                         "epoch",
                                         "parameters",
                                         "changed",
                                         "changed_percent",
                                         "current_sign_flips",
                                         "perturbed_sign_flips",
                                         "current_difference",
                                         "perturbed_difference",
                                         NULL};
    struct sam_floor *floor = sam_memory_new(1, sizeof *floor, error);
    if (!floor)
        return NULL;
    *floor = (struct sam_floor){.run = run, .csv = {.file = file}};
    const size_t n = run->model.tables.parameter_count;
    if ((floor->engine = sam_run_engine(run, kernels, error)) &&
        (floor->step = sam_step_new(run->settings, &run->model, floor->engine, run->pool,
                                    &floor->profile, error)) &&
        (floor->classes[0] = sam_memory_new(n, 1, error)) &&
        (floor->classes[1] = sam_memory_new(n, 1, error))) {
        sam_csv_header(&floor->csv, header);
        if (!sam_csv_end_row(&floor->csv, error))
            return floor;
    }
    sam_floor_free(floor);
    return NULL;
}

void sam_floor_free(struct sam_floor *floor)
{
    if (!floor)
        return;
    sam_step_free(floor->step);
    sam_engine_free(floor->engine);
    free(floor->classes[0]);
    free(floor->classes[1]);
    free(floor);
}

static uint64_t count_flips(const float *a, const float *b, size_t n)
{
    uint64_t flips = 0;
    for (size_t i = 0; i < n; i++)
        flips += (a[i] < 0 && b[i] > 0) || (a[i] > 0 && b[i] < 0);
    return flips;
}

static double difference(const float *a, const float *b, size_t n)
{
    double difference_squared = 0, squared = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = (double)a[i] - b[i];
        difference_squared += d * d;
        squared += (double)b[i] * b[i];
    }
    return sqrt(difference_squared / squared);
}

static int write_row(struct sam_floor *floor, uint64_t step, uint64_t epoch,
                     struct sam_error *error)
{
    const size_t n = floor->run->model.tables.parameter_count;
    const float *g[2] = {sam_step_current(floor->run->step), sam_step_current(floor->step)};
    const float *gp[2] = {sam_step_perturbed(floor->run->step), sam_step_perturbed(floor->step)};
    uint64_t changed = 0;
    for (int i = 0; i < 2; i++)
        sam_ratio_classify(g[i], gp[i], n, floor->classes[i]);
    for (size_t i = 0; i < n; i++)
        changed += floor->classes[0][i] != floor->classes[1][i];
    struct sam_csv *csv = &floor->csv;
    sam_csv_count(csv, step);
    sam_csv_count(csv, epoch);
    sam_csv_count(csv, n);
    sam_csv_count(csv, changed);
    sam_csv_number(csv, 100 * (double)changed / (double)n);
    sam_csv_count(csv, count_flips(g[0], g[1], n));
    sam_csv_count(csv, count_flips(gp[0], gp[1], n));
    sam_csv_number(csv, difference(g[0], g[1], n));
    sam_csv_number(csv, difference(gp[0], gp[1], n));
    return sam_csv_end_row(csv, error);
}

int sam_floor_measure(struct sam_floor *floor, uint64_t step, uint64_t epoch,
                      struct sam_error *error)
{
    const struct sam_batches *batches = &floor->run->batches;
    const struct sam_step_request request = {.perturbed = true};
    struct sam_step *const steps[2] = {floor->run->step, floor->step};
    for (int i = 0; i < 2; i++) {
        struct sam_step_result result;
        if (sam_step_gradients(steps[i], batches->images, batches->labels, (int)batches->count,
                               request, &result, error))
            return -1;
    }
    return write_row(floor, step, epoch, error);
}
