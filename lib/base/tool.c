/* The one file of lib/ that prints messages and exits: tools call it, the library never. */
#define _GNU_SOURCE /* program_invocation_short_name */
#include "base/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef SAM_VERSION
#error "SAM_VERSION comes from the Makefile"
#endif

/* A standard stream that is closed leaves its number to the first file opened, which would then get
 * what is meant for the stream. Here something gets the number that no one can read, or write. */
static void occupy_closed_streams(void)
{
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
        if (fcntl(stream, F_GETFD) < 0)
            (void)open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

void sam_tool_start(const char *name)
{
    occupy_closed_streams();
    program_invocation_short_name = program_invocation_name = (char *)name;
    argp_err_exit_status = SAM_USAGE;
}

enum { OPTION_USAGE = 0x7000 };

/* argp's own, but that they see whether what they print arrives. */
static const struct argp_option standard_options[] = {
    {"help", '?', NULL, 0, "give this help list", -1},
    {"usage", OPTION_USAGE, NULL, 0, "give a short usage message", 0},
    {"version", 'V', NULL, 0, "print program version", 0},
    {0},
};

static error_t parse_standard(int key, char *argument, struct argp_state *state)
{
    const unsigned help = ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK;
    (void)argument;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = state->input;
        return 0;
    case '?':
        argp_state_help(state, stdout, help);
        exit(sam_tool_finish());
    case OPTION_USAGE:
        argp_state_help(state, stdout, ARGP_HELP_USAGE);
        exit(sam_tool_finish());
    case 'V':
        printf("%s (samscope) %s\n", program_invocation_short_name, SAM_VERSION);
        exit(sam_tool_finish());
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int sam_tool_parse(const struct argp *argp, int argc, char **argv, void *params)
{
    int operands = argc;
    const struct argp_child children[] = {{argp, 0, NULL, 0}, {0}};
    const struct argp whole = {
        .options = standard_options, .parser = parse_standard, .children = children};
    argv[0] = program_invocation_short_name; /* what getopt's messages begin with */
    /* getopt moves operands behind the options; argp leaves there what no parser takes. */
    const int status = argp_parse(&whole, argc, argv, ARGP_NO_HELP, &operands, params);
    if (status == ENOMEM) {
        struct sam_error error;
        sam_error_set(&error, SAM_FAILED, "out of memory: reading the command line");
        sam_tool_die(&error);
    }
    if (status)
        sam_tool_usage("the command line was not understood");
    return operands;
}

static void say(const char *format, va_list arguments)
{
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    putc('\n', stderr);
}

static void hint(void)
{
    fprintf(stderr, "Try '%s --help' for more information.\n", program_invocation_short_name);
}

void sam_tool_usage(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    hint();
    exit(SAM_USAGE);
}

void sam_tool_die(const struct sam_error *error)
{
    sam_tool_warn("%s", error->text);
    if (error->status == SAM_USAGE)
        hint();
    exit(error->status);
}

void sam_tool_warn(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

int sam_tool_finish(void)
{
    const int failed = ferror(stdout);
    if (fclose(stdout) || failed) {
        sam_tool_warn("standard output: %s", strerror(errno));
        return SAM_FAILED;
    }
    return SAM_OK;
}

double sam_tool_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void sam_tool_duration(double seconds, char *text, size_t size)
{
    const long whole = (long)(seconds + 0.5);
    if (whole >= 3600)
        snprintf(text, size, "%ld h %02ld min", whole / 3600, whole % 3600 / 60);
    else if (whole >= 60)
        snprintf(text, size, "%ld min %02ld s", whole / 60, whole % 60);
    else
        snprintf(text, size, "%ld s", whole);
}

void sam_progress_start(struct sam_progress *progress)
{
    *progress =
        (struct sam_progress){.shown = isatty(STDERR_FILENO), .started = sam_tool_seconds()};
}

bool sam_progress_due(const struct sam_progress *progress)
{
    return progress->shown && sam_tool_seconds() - progress->printed >= 0.1;
}

void sam_progress_print(struct sam_progress *progress, const char *format, ...)
{
    if (!sam_progress_due(progress))
        return;
    va_list arguments;
    va_start(arguments, format);
    fputc('\r', stderr);
    vfprintf(stderr, format, arguments);
    fputs("\033[K", stderr); /* what is left of a longer line before */
    va_end(arguments);
    progress->printed = sam_tool_seconds();
}

void sam_progress_end(struct sam_progress *progress)
{
    if (progress->shown && progress->printed > 0)
        fputs("\r\033[K", stderr);
}
