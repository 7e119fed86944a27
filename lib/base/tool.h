/* tool - what the main program of every tool needs: the one file of lib/ that prints and exits.
 *
 * Messages go to standard error as "tool: text". */
#ifndef SAM_BASE_TOOL_H
#define SAM_BASE_TOOL_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* To be called first in main(): sets the name used in messages, what --version prints, and exit
 * status 2 for wrong usage. A broken pipe ends a tool quietly, as it does cat. */
void sam_tool_start(const char *name);

/* Parses the command line by `argp` (which carries its own children) into `params`. Exits with
 * status 2 and a message on wrong usage, with 0 after --help, --usage or --version. Returns the
 * index of the first operand in argv, which is permuted so that the
 * operands are argv[index .. argc-1]. */
int sam_tool_parse(const struct argp *argp, int argc, char **argv, void *params);

/* "tool: text" and a hint to --help, then exit status 2. For use in argp parsers and checks. */
void sam_tool_usage(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* "tool: error.text" on standard error, then exit with error.status; SAM_USAGE adds the hint. */
void sam_tool_die(const struct sam_error *error) __attribute__((noreturn));

/* "tool: text" on standard error; the tool goes on. */
void sam_tool_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Closes standard output and returns the exit status: 0, or 1 with a message if what was written
 * did not reach it (a full disk). The last call of main(). */
int sam_tool_finish(void);

/* Progress of long work: one line on standard error, rewritten in place, only if it is a terminal,
 * at most ten times a second. */
struct sam_progress {
    bool shown;
    double started, printed; /* seconds of the monotonic clock */
};
void sam_progress_start(struct sam_progress *progress);
/* True where a line would be printed now: spares the caller the making of the text. */
bool sam_progress_due(const struct sam_progress *progress);
void sam_progress_print(struct sam_progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Clears the line. */
void sam_progress_end(struct sam_progress *progress);

/* Seconds of the monotonic clock. */
double sam_tool_seconds(void);

/* "1 h 02 min", "3 min 05 s", "12 s" into `text` (size at least 24). */
void sam_tool_duration(double seconds, char *text, size_t size);

#endif
