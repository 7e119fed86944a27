/* train-sam - train a network with SGD or SAM, and show what SAM does to every parameter
 *
 * In: an image set, and settings. Out: a table of one row an epoch; on request checkpoints that
 * PyTorch loads, and a stream of gradient records. With g the gradient at the weights w and gp the
 * one at w + rho g/||g||, of the same minibatch, a step moves w along
 *
 *     d_i = a[k] gp_i + b[k] g_i,   k the ratio class of parameter i (0 to 4),
 *
 * where the table (a, b) is the optimizer: SAM, SGD, the notes' `checkpoint13`, and the controls.
 *
 * Holds the data set as bytes, seven floats a parameter, and what the network needs for a
 * minibatch. The work is in lib/train; this file has the command line, and what is said while it
 * runs. */
#define _GNU_SOURCE /* tgkill */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/output.h"
#include "base/tool.h"
#include "train/arguments.h"
#include "train/conflicts.h"
#include "train/info.h"
#include "train/predictions.h"
#include "train/run.h"

struct params {
    struct sam_settings settings; /* all that defines a run: the table in lib/train/settings.c */
    bool resume;
    const char *resume_from; /* NULL: from --checkpoint's file, if there is one */
    struct sam_progress progress;
    uint64_t first_step; /* that this process takes */
};

/* --- The command line ------------------------------------------------------------------------- */

enum { KEY_RESUME = 1 };

static const struct argp_option own_options[] = {
    {"resume", KEY_RESUME, "FILE", OPTION_ARG_OPTIONAL,
     "continue from --checkpoint's file, if there is one; or from FILE, with its settings", 0},
    {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct params *params = state->input;
    struct sam_error error;
    if (key == KEY_RESUME) {
        params->resume = true;
        params->resume_from = argument;
        return 0;
    }
    const int status = sam_arguments_set(&params->settings, key, argument, &error);
    if (status < 0)
        sam_tool_usage("%s", error.text);
    return status ? ARGP_ERR_UNKNOWN : 0;
}

/* What follows --resume is its FILE, though argp takes it for an operand. */
static void take_operands(struct params *params, int count, char **operands)
{
    if (count && params->resume && !params->resume_from) {
        params->resume_from = *operands++;
        count--;
    }
    if (count)
        sam_tool_usage("'%s': an operand, wanted options only", operands[0]);
}

static void parse(struct params *params, int argc, char **argv)
{
    struct sam_error error;
    struct argp_option *options = NULL;
    if (sam_settings_init(&params->settings, &error) ||
        !(options = sam_arguments_new(0, own_options, &error)))
        sam_tool_die(&error);
    const struct argp argp = {
        .options = options,
        .parser = parse_option,
        .doc = "Train a network with SGD or SAM; write a table of epochs, checkpoints, gradients.",
    };
    const int first = sam_tool_parse(&argp, argc, argv, params);
    take_operands(params, argc - first, argv + first);
    sam_arguments_free(options);
    if (sam_arguments_kernels(&params->settings, &error) ||
        (!params->resume_from && sam_conflicts_check(&params->settings, NULL, &error)))
        sam_tool_die(&error); /* of --resume=FILE the settings are not all known yet */
}

/* Loads the checkpoint to continue from, and brings its settings and ours together. Returns whether
 * there is one. */
static bool load_checkpoint(struct params *params, struct sam_checkpoint *checkpoint)
{
    struct sam_settings *settings = &params->settings;
    const char *path = params->resume_from ? params->resume_from : settings->checkpoint;
    struct sam_error error;
    if (!params->resume)
        return false;
    if (!path)
        sam_tool_usage("--resume without --checkpoint: say from which file");
    const int status = sam_checkpoint_load(path, checkpoint, &error);
    if (status == 1 && !params->resume_from)
        return false;
    if (status == 1)
        sam_error_set(&error, SAM_FAILED, "%s: no such file, wanted a checkpoint", path);
    if (status ||
        sam_state_merge(&checkpoint->state.header, path,
                        params->resume_from ? SAM_STATE_FILL : SAM_STATE_SAME, settings, &error) ||
        (!settings->checkpoint && !(settings->checkpoint = sam_memory_string(path, &error))) ||
        sam_conflicts_check(settings, path, &error) ||
        (sam_output_same(path, settings->checkpoint) && sam_checkpoint_settle(checkpoint, &error)))
        sam_tool_die(&error);
    return true;
}

/* --- While it runs ---------------------------------------------------------------------------- */

static void tell_start(const struct params *params, const struct sam_run *run)
{
    const struct sam_batches *batches = &run->batches;
    fprintf(stderr, "train-sam: ResNet-%d of width %d, %zu parameters; %s; %d threads; ",
            run->model.arch.depth, run->model.arch.width, run->model.tables.parameter_count,
            sam_engine_description(run->engine), sam_pool_threads(run->pool));
    fprintf(stderr, "%u training, %u validation, %u test images", batches->split.train_count,
            batches->split.validation_count, batches->dataset.test.count);
    if (params->first_step > 1)
        fprintf(stderr, "; from step %" PRIu64, params->first_step);
    putc('\n', stderr);
}

static void on_progress(void *context, const struct sam_run *run)
{
    struct params *params = context;
    if (!sam_progress_due(&params->progress))
        return;
    const double seconds = sam_tool_seconds() - params->progress.started;
    const uint64_t steps = sam_run_steps(run), done = run->state.step + 1 - params->first_step;
    char left[32];
    sam_tool_duration(seconds / (double)done * (double)(steps - run->state.step), left,
                      sizeof left);
    sam_progress_print(&params->progress,
                       "epoch %" PRIu64 "/%" PRIu64 ", step %" PRIu64 "/%" PRIu64
                       ", loss %.4f, %.0f images/s, %s left",
                       run->state.epoch, params->settings.epochs, run->state.step, steps,
                       run->last.loss, (double)run->profile.images / seconds, left);
}

/* SIGINT and SIGTERM are blocked while there is a checkpoint to save, and asked for between steps:
 * so no flag, which would be a global, is needed. OpenBLAS has started threads before main(), which
 * do not block them; there the handler hands them on to the main thread (whose number is that of
 * the process), to wait. */
static void hand_on(int number)
{
    const int error = errno;
    tgkill(getpid(), getpid(), number);
    errno = error;
}

static void hold_signal(int number, bool hold)
{
    struct sigaction action;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    sigaction(number, NULL, &action);
    if (action.sa_handler == SIG_IGN)
        return; /* as whoever started us wants it */
    action.sa_handler = hold ? hand_on : SIG_DFL;
    action.sa_flags = SA_RESTART;
    if (hold)
        sigprocmask(SIG_BLOCK, &set, NULL);
    sigaction(number, &action, NULL);
    if (!hold)
        sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void hold_signals(bool hold)
{
    hold_signal(SIGINT, hold);
    hold_signal(SIGTERM, hold);
}

/* The signal that asks us to stop; 0: none. */
static int pending_signal(void)
{
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGINT) ? SIGINT : sigismember(&pending, SIGTERM) ? SIGTERM : 0;
}

static bool on_stop(void *context)
{
    const struct params *params = context;
    return params->settings.checkpoint && pending_signal();
}

/* --- What is left behind ---------------------------------------------------------------------- */

/* A report: what is written to its file when the training has ended. */
typedef int write_report(struct sam_run *run, const char *outcome, FILE *file, const char *path,
                         struct sam_error *error);

static int write_info(struct sam_run *run, const char *outcome, FILE *file, const char *path,
                      struct sam_error *error)
{
    if (strcmp(outcome, "done") == 0)
        sam_run_test_best(run);
    return sam_info_write(run, outcome, file, path, error);
}

static int write_predictions(struct sam_run *run, const char *outcome, FILE *file, const char *path,
                             struct sam_error *error)
{
    (void)outcome;
    return sam_predictions_write(run, file, path, error);
}

static int write_profile(struct sam_run *run, const char *outcome, FILE *file, const char *path,
                         struct sam_error *error)
{
    (void)outcome, (void)path;
    return sam_profile_write(&run->profile, run->engine, file, error);
}

/* Writes a report to `path`, whole or not at all; "-" is standard error. */
static int write_to(struct sam_run *run, const char *outcome, const char *path, write_report *write,
                    struct sam_error *error)
{
    struct sam_output output;
    if (strcmp(path, "-") == 0)
        return write(run, outcome, stderr, "standard error", error);
    if (sam_output_open(&output, path, error))
        return -1;
    if (write(run, outcome, output.file, path, error) == 0)
        return sam_output_commit(&output, error);
    sam_output_discard(&output);
    return -1;
}

/* Writes a report that is wanted (`path` not NULL). Returns 0, or -1 after a message. */
static int report(struct sam_run *run, const char *outcome, const char *path, write_report *write)
{
    struct sam_error error;
    if (!path || write_to(run, outcome, path, write, &error) == 0)
        return 0;
    sam_tool_warn("%s", error.text);
    return -1;
}

/* All reports that are wanted; those that need a trained network only if there is one. */
static int report_all(struct sam_run *run, const char *outcome)
{
    const struct sam_settings *settings = run->settings;
    const bool done = strcmp(outcome, "done") == 0;
    const int predictions =
        done ? report(run, outcome, settings->predictions, write_predictions) : 0;
    const int info = report(run, outcome, settings->info, write_info);
    const int profile = report(run, outcome, settings->profile, write_profile);
    return predictions || info || profile ? -1 : 0;
}

/* Trains, and returns the exit status. */
static int train(struct params *params, struct sam_run *run)
{
    const struct sam_run_observer observer = {params, on_progress, on_stop};
    struct sam_error error;
    params->first_step = run->state.step + 1;
    tell_start(params, run);
    sam_progress_start(&params->progress);
    const int outcome = sam_run_train(run, &observer, &error);
    sam_progress_end(&params->progress);
    if (outcome < 0)
        sam_tool_warn("%s", error.text);
    if (outcome == 0)
        hold_signals(false); /* all is saved: the reports may be cut off */
    int status = outcome < 0 ? (int)error.status : outcome ? 128 + pending_signal() : SAM_OK;
    const char *how = outcome == 0 ? "done" : outcome > 0 ? "stopped" : "diverged";
    if (status != SAM_FAILED && report_all(run, how))
        status = SAM_FAILED;
    if (sam_run_close(run, &error) && status != SAM_FAILED) {
        sam_tool_warn("%s", error.text);
        status = SAM_FAILED;
    }
    return status;
}

int main(int argc, char **argv)
{
    struct params params = {0};
    struct sam_checkpoint checkpoint = {0};
    struct sam_run run = {0};
    struct sam_error error;
    sam_tool_start("train-sam");
    parse(&params, argc, argv);
    const bool resumed = load_checkpoint(&params, &checkpoint);
    if (sam_run_init(&run, &params.settings, resumed ? &checkpoint : NULL, &error))
        sam_tool_die(&error);
    sam_checkpoint_free(&checkpoint);
    if (sam_run_open(&run, &error))
        sam_tool_die(&error);
    if (params.settings.checkpoint)
        hold_signals(true); /* opening a pipe may wait, and what is loaded is no loss */
    int status = train(&params, &run);
    sam_run_free(&run);
    sam_settings_free(&params.settings);
    const int finished = sam_tool_finish();
    return status ? status : finished;
}
