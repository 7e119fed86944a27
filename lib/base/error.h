/* error - how a function of lib/ says what went wrong.
 *
 * Functions that can fail return an int, 0 for success and -1 for failure, or a pointer that is
 * NULL on failure, and take a `struct sam_error *` as their last argument, which they fill before
 * they fail. The library neither prints nor exits: the tool decides (base/tool.h). */
#ifndef SAM_BASE_ERROR_H
#define SAM_BASE_ERROR_H

/* The exit statuses of every tool of the project. */
enum sam_status {
    SAM_OK = 0,
    SAM_FAILED = 1,   /* bad data, a failed read or write, out of memory */
    SAM_USAGE = 2,    /* an unknown option or a bad value, found before any input is read */
    SAM_DIVERGED = 3, /* a training loss that is not finite */
};

struct sam_error {
    enum sam_status status; /* what a tool that stops on this error exits with */
    char text[1024];        /* "file: what was seen, what was wanted"; no newline */
};

/* Fills `error` from a printf format and returns -1, so that a failing function ends with
 * `return sam_error_set(error, SAM_FAILED, "%s: ...", path)`. A text too long is cut. */
int sam_error_set(struct sam_error *error, enum sam_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As sam_error_set() with status SAM_FAILED, with ": " and strerror(errno) behind the text. */
int sam_error_errno(struct sam_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
