/* dump-grads - gradients at the current and the perturbed weights, without training
 *
 * In: a checkpoint of train-sam, or weights in its form (also saved by PyTorch), and the images.
 * Out: the gradient stream that train-sam --dump writes, one record a minibatch: g at the weights
 * w, and gp at w + rho g/||g||, of the same minibatch. The minibatches are those that training
 * would take next, with the steps in between taken (--steps) or not (--batches), or images drawn
 * with --replacement, or named in a file. With --floor, instead of the stream, a table of what
 * rounding alone does to the classes.
 *
 * Holds what train-sam holds. The work is in lib/train. */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/tool.h"
#include "train/arguments.h"
#include "train/conflicts.h"
#include "train/probe.h"

struct params {
    struct sam_settings settings; /* those of the checkpoint, replaced by those given */
    const char *checkpoint;       /* NULL: from settings.weights */
    uint64_t steps;               /* 0: the weights stay */
    uint64_t batches;             /* 0: not said */
    bool replacement;
    const char *indices, *floor;
};

/* --- The command line ------------------------------------------------------------------------- */

enum { KEY_CHECKPOINT = 1, KEY_STEPS, KEY_BATCHES, KEY_REPLACEMENT, KEY_INDICES, KEY_FLOOR };

static const struct argp_option own_options[] = {
    {"checkpoint", KEY_CHECKPOINT, "FILE", 0, "start from this checkpoint, with its settings", 0},
    {"steps", KEY_STEPS, "N", 0, "take the next N steps of training, and write each", 0},
    {"batches", KEY_BATCHES, "N", 0, "the next N minibatches, the weights staying (1)", 0},
    {"replacement", KEY_REPLACEMENT, NULL, 0, "draw every image of the minibatches independently",
     0},
    {"batch-indices", KEY_INDICES, "FILE", 0, "minibatches of these training images instead", 0},
    {"floor", KEY_FLOOR, "KERNELS", 0,
     "compare with other kernels: a table of what changes by rounding", 0},
    {0}};

static int set_count(const char *name, const char *text, uint64_t *value, struct sam_error *error)
{
    return sam_number_count(name, text, 1, UINT32_MAX, value, error);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct params *params = state->input;
    struct sam_error error;
    int status = 0;
    switch (key) {
    case KEY_CHECKPOINT:
        params->checkpoint = argument;
        break;
    case KEY_STEPS:
        status = set_count("--steps", argument, &params->steps, &error);
        break;
    case KEY_BATCHES:
        status = set_count("--batches", argument, &params->batches, &error);
        break;
    case KEY_REPLACEMENT:
        params->replacement = true;
        break;
    case KEY_INDICES:
        params->indices = argument;
        break;
    case KEY_FLOOR:
        params->floor = argument;
        break;
    default:
        status = sam_arguments_set(&params->settings, key, argument, &error);
    }
    if (status < 0)
        sam_tool_usage("%s", error.text);
    return status ? ARGP_ERR_UNKNOWN : 0;
}

static void check(const struct params *params)
{
    struct sam_error error;
    if (!params->checkpoint && !params->settings.weights)
        sam_tool_usage("neither --checkpoint nor --weights: say at which weights");
    if (!params->checkpoint && strcmp(params->settings.weights, "-") == 0)
        sam_tool_usage(
            "--weights - without --checkpoint: they are read twice, wanted the name of a file");
    if (params->steps && !params->checkpoint)
        sam_tool_usage("--steps without --checkpoint: how to step is a checkpoint's to say");
    if (params->steps && params->settings.weights)
        sam_tool_usage("--steps with --weights: steps go on from the checkpoint's own weights");
    if (params->steps && (params->batches || params->indices))
        sam_tool_usage("--steps with --batches or --batch-indices: do the weights move or not?");
    if (params->replacement && (params->steps || params->indices))
        sam_tool_usage("--replacement with --steps or --batch-indices: which images are meant?");
    if (params->steps && params->floor)
        sam_tool_usage("--steps with --floor: the floor is measured where the weights stay");
    if (params->indices && params->settings.train_size)
        sam_tool_usage("--batch-indices with --train-size: the file says which images");
    if ((params->floor && sam_engine_check_kernels(params->floor, &error)) ||
        (!params->checkpoint && sam_conflicts_check(&params->settings, NULL, &error)))
        sam_tool_die(&error); /* of a checkpoint the settings are not all known yet */
}

static void parse(struct params *params, int argc, char **argv)
{
    struct sam_error error;
    struct argp_option *options = NULL;
    if (sam_settings_init(&params->settings, &error) ||
        !(options = sam_arguments_new(SAM_SETTINGS_GRADIENT, own_options, &error)))
        sam_tool_die(&error);
    const struct argp argp = {
        .options = options,
        .parser = parse_option,
        .doc = "Write gradients at the current and the perturbed weights, without training.",
    };
    const int first = sam_tool_parse(&argp, argc, argv, params);
    if (first < argc)
        sam_tool_usage("'%s': an operand, wanted options only", argv[first]);
    sam_arguments_free(options);
    /* A checkpoint may say which steps its run dumps. */
    if (sam_arguments_kernels(&params->settings, &error) ||
        sam_settings_adopt(&params->settings, sam_settings_find("dump"), "-", &error))
        sam_tool_die(&error);
    check(params);
}

/* --- The work --------------------------------------------------------------------------------- */

/* The settings of a run that starts at weights from a file: its network is theirs. */
static int take_shape(struct sam_settings *settings, struct sam_error *error)
{
    struct sam_weights weights;
    struct sam_arch arch;
    if (sam_weights_read(settings->weights, &weights, error))
        return -1;
    const int status = sam_model_infer(&weights, settings->weights, &arch, error);
    sam_weights_free(&weights);
    if (status)
        return -1;
    settings->model = arch.depth == 34 ? SAM_SETTINGS_RESNET34 : SAM_SETTINGS_RESNET18;
    settings->width = (uint64_t)arch.width;
    return 0;
}

static int start_from_checkpoint(struct params *params, struct sam_run *run,
                                 struct sam_error *error)
{
    struct sam_settings *settings = &params->settings;
    const bool other_weights = settings->weights != NULL;
    struct sam_checkpoint checkpoint;
    int status = sam_checkpoint_load(params->checkpoint, &checkpoint, error);
    if (status == 1)
        return sam_error_set(error, SAM_FAILED, "%s: no such file, wanted a checkpoint",
                             params->checkpoint);
    if (status)
        return -1;
    if (sam_state_merge(&checkpoint.state.header, params->checkpoint, SAM_STATE_REPLACE, settings,
                        error) ||
        sam_conflicts_check(settings, NULL, error) ||
        sam_run_init(run, settings, &checkpoint, error) ||
        (other_weights && sam_run_load(run, settings->weights, error)))
        status = -1;
    sam_checkpoint_free(&checkpoint);
    return status;
}

static int start(struct params *params, struct sam_run *run, struct sam_error *error)
{
    if (params->checkpoint)
        return start_from_checkpoint(params, run, error);
    if (take_shape(&params->settings, error))
        return -1;
    return sam_run_init(run, &params->settings, NULL, error);
}

/* Reads the minibatches named in a file; the network must have room for the largest. */
static int read_indices(struct params *params, struct sam_indices *indices, struct sam_error *error)
{
    struct sam_settings *settings = &params->settings;
    const uint64_t most = SAM_SETTINGS_GIVEN(settings, batch_size) ? settings->batch_size : 0;
    if (sam_indices_read(params->indices, (uint32_t)most, indices, error))
        return -1;
    if (indices->longest > SAM_ENGINE_MAX_BATCH)
        return sam_error_set(error, SAM_FAILED, "%s: a minibatch of %u images, wanted at most %d",
                             params->indices, indices->longest, SAM_ENGINE_MAX_BATCH);
    char text[16];
    snprintf(text, sizeof text, "%u", indices->longest);
    return sam_settings_set(settings, sam_settings_find("batch-size"), text, error);
}

int main(int argc, char **argv)
{
    struct params params = {0};
    struct sam_run run = {0};
    struct sam_indices indices = {0};
    struct sam_error error;
    sam_tool_start("dump-grads");
    parse(&params, argc, argv);
    if ((params.indices && read_indices(&params, &indices, &error)) || start(&params, &run, &error))
        sam_tool_die(&error);
    const struct sam_probe probe = {
        .batches = params.steps     ? params.steps
                   : params.batches ? params.batches
                   : params.indices ? UINT64_MAX
                                    : 1,
        .moves = params.steps > 0,
        .replacement = params.replacement,
        .chosen = params.indices ? &indices : NULL,
        .floor = params.floor,
    };
    if (sam_probe_run(&run, &probe, &error) || sam_run_close(&run, &error))
        sam_tool_die(&error);
    sam_run_free(&run);
    sam_indices_free(&indices);
    sam_settings_free(&params.settings);
    return sam_tool_finish();
}
