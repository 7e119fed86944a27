#include "train/profile.h"

#include "base/csv.h"
#include "nn/timing.h"

double sam_profile_add(struct sam_profile *profile, enum sam_profile_part part, double start)
{
    const double now = sam_timing_now();
    profile->seconds[part] += now - start;
    return now;
}

static int write_row(struct sam_csv *csv, const char *part, double seconds, double whole,
                     double flops, struct sam_error *error)
{
    sam_csv_text(csv, part);
    sam_csv_number(csv, seconds);
    sam_csv_number(csv, whole > 0 ? 100 * seconds / whole : 0);
    if (flops > 0 && seconds > 0)
        sam_csv_number(csv, flops / seconds * 1e-9);
    else
        sam_csv_text(csv, NULL);
    return sam_csv_end_row(csv, error);
}

int sam_profile_write(const struct sam_profile *profile, const struct sam_engine *engine,
                      FILE *file, struct sam_error *error)
{
    static const char *const names[SAM_PROFILE_PARTS] = {
        "current gradient",
        "perturbed gradient",
        "data",
        "perturbation",
        "control",
        "update",
        "norms",
        "evaluation",
        "records",
        "checkpoints",
    };
    static const char *const header[] = {"part", "seconds", "percent", "gflops", NULL};
    struct sam_csv csv = {.file = file};
    double step = 0;
    for (int part = 0; part <= SAM_PROFILE_STEP; part++)
        step += profile->seconds[part];
    sam_csv_header(&csv, header);
    if (sam_csv_end_row(&csv, error) || write_row(&csv, "steps", step, step, 0, error))
        return -1;
    for (int part = 0; part < SAM_PROFILE_PARTS; part++) {
        if (write_row(&csv, names[part], profile->seconds[part], step, 0, error))
            return -1;
    }
    size_t count;
    const struct sam_engine_timing *timings = sam_engine_timings(engine, &count);
    for (size_t i = 0; i < count; i++) {
        char name[96];
        snprintf(name, sizeof name, "engine: %s", timings[i].name);
        if (write_row(&csv, name, timings[i].seconds, step, timings[i].flops, error))
            return -1;
    }
    return 0;
}
