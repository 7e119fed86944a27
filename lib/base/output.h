/* output - a file that appears whole or not at all: written without a name where the file system
 * can (O_TMPFILE), so that nothing is left behind by a process that is killed; else under a
 * temporary name beside its own. */
#ifndef SAM_BASE_OUTPUT_H
#define SAM_BASE_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/error.h"

struct sam_output {
    FILE *file;      /* to be written to */
    char *path;      /* for messages; "standard output" where it is that */
    bool nameless;   /* `file` has no name yet */
    char *temporary; /* the name `file` has meanwhile; NULL: none, or it is written in place */
};

/* Opens `path` for writing; NULL or "-" is standard output. What exists and is no regular file (a
 * device, a pipe) is written in place; of a symbolic link, the file it points to is replaced, and
 * there must be one. A new file has the mode of the one it replaces. SAM_USAGE if that is where
 * standard output or standard error goes. The caller ends with sam_output_commit() or
 * sam_output_discard(). */
int sam_output_open(struct sam_output *output, const char *path, struct sam_error *error);

/* Whether sam_output_open() could open `path`, for who will have something to write only after long
 * work: writes nothing, and leaves what exists alone. Devices and pipes are believed. */
int sam_output_check(const char *path, struct sam_error *error);

/* Whether two paths lead to one file, by whatever links, or would if there were one. */
bool sam_output_same(const char *a, const char *b);

/* Whether `path` is standard output: "-", or another name of the pipe that it is. What must not be
 * mixed with other output must not go there beside it. */
bool sam_output_is_stdout(const char *path);

/* SAM_USAGE if `path` is a regular file where standard output or standard error goes. */
int sam_output_check_streams(const char *path, struct sam_error *error);

/* Whether two of stat()'s answers are about one file. */
static inline bool sam_output_is_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Flushes, sees that all has reached the disk, and gives the file its name. On failure the file
 * that had the name before is as it was. Standard output is flushed and stays open. */
int sam_output_commit(struct sam_output *output, struct sam_error *error);

/* Closes and removes what was written. Does nothing after a commit. */
void sam_output_discard(struct sam_output *output);

/* A file without a name for data that wait, in the folder TMPDIR of the environment, else in /tmp;
 * to be read and written, and gone with fclose(). NULL with `error` filled. */
FILE *sam_output_spool(struct sam_error *error);

#endif
