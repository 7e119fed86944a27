#include "train/probe.h"

#include <stdlib.h>

#include "base/memory.h"
#include "train/floor.h"

/* Gradients of the minibatch at hand, where the weights stay. */
static int look(struct sam_run *run, struct sam_floor *floor, uint64_t step, uint64_t epoch,
                struct sam_error *error)
{
    const struct sam_batches *batches = &run->batches;
    const struct sam_step_request request = {.perturbed = true, .norms = true};
    struct sam_step_result result;
    if (floor)
        return sam_floor_measure(floor, step, epoch, error);
    if (sam_step_gradients(run->step, batches->images, batches->labels, (int)batches->count,
                           request, &result, error))
        return -1;
    return sam_run_dump(run, step, epoch, &result, error);
}

static int probe_next(struct sam_run *run, const struct sam_probe *probe, struct sam_floor *floor,
                      struct sam_error *error)
{
    for (uint64_t i = 0; i < probe->batches; i++) {
        if (probe->moves) {
            if (sam_run_step(run, true, error))
                return -1;
            continue;
        }
        sam_run_take(run);
        if (look(run, floor, run->state.step + 1, run->state.epoch, error))
            return -1;
        sam_run_pass(run);
    }
    return 0;
}

static int probe_drawn(struct sam_run *run, const struct sam_probe *probe, struct sam_floor *floor,
                       struct sam_error *error)
{
    uint32_t *indices = sam_memory_new(run->batches.size, sizeof *indices, error);
    int status = indices ? 0 : -1;
    for (uint32_t b = 0; !status && b < probe->batches; b++) {
        sam_batches_draw(&run->batches, (uint32_t)run->state.epoch, b, indices);
        status = look(run, floor, run->state.step + 1 + b, run->state.epoch, error);
    }
    free(indices);
    return status;
}

static int probe_chosen(struct sam_run *run, const struct sam_probe *probe, struct sam_floor *floor,
                        struct sam_error *error)
{
    const struct sam_indices *chosen = probe->chosen;
    const uint32_t images = run->batches.dataset.train.count;
    if (chosen->largest >= images)
        return sam_error_set(error, SAM_FAILED,
                             "--batch-indices: image %u, wanted indices below %u, the number of "
                             "training images",
                             chosen->largest, images);
    for (size_t b = 0; b < chosen->batches && b < probe->batches; b++) {
        const uint32_t *indices = chosen->list + chosen->starts[b];
        const size_t count = chosen->starts[b + 1] - chosen->starts[b];
        sam_batches_choose(&run->batches, (uint32_t)run->state.epoch, indices, (uint32_t)count);
        if (look(run, floor, run->state.step + 1 + b, run->state.epoch, error))
            return -1;
    }
    return 0;
}

int sam_probe_run(struct sam_run *run, const struct sam_probe *probe, struct sam_error *error)
{
    struct sam_floor *floor = NULL;
    if (probe->floor
            ? !(floor = sam_floor_new(run, probe->floor, stdout, error))
            : sam_dump_open(&run->dump, "-", (struct sam_dump_mark){0}, &run->model.tables, error))
        return -1;
    const int status = probe->chosen        ? probe_chosen(run, probe, floor, error)
                       : probe->replacement ? probe_drawn(run, probe, floor, error)
                                            : probe_next(run, probe, floor, error);
    sam_floor_free(floor);
    return status;
}
