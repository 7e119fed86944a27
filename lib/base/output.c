#include "base/output.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

static void forget(struct sam_output *output)
{
    free(output->path);
    free(output->temporary);
    *output = (struct sam_output){0};
}

/* mkstemp() makes a file for its owner alone; others get what the user's mask leaves them. */
static void set_mode(int descriptor)
{
    const mode_t mask = umask(0);
    umask(mask);
    (void)fchmod(descriptor, 0666 & ~mask);
}

static int open_temporary(struct sam_output *output, struct sam_error *error)
{
    static const char suffix[] = ".XXXXXX";
    const size_t length = strlen(output->path);
    output->temporary = sam_memory_new(length + sizeof suffix, 1, error);
    if (!output->temporary)
        return -1;
    memcpy(output->temporary, output->path, length);
    memcpy(output->temporary + length, suffix, sizeof suffix);
    const int descriptor = mkstemp(output->temporary);
    if (descriptor < 0) {
        sam_error_errno(error, "%s: cannot be created", output->path);
        free(output->temporary);
        output->temporary = NULL;
        return -1;
    }
    set_mode(descriptor);
    output->file = fdopen(descriptor, "wb");
    if (output->file)
        return 0;
    sam_error_errno(error, "%s: cannot be opened", output->path);
    close(descriptor);
    return -1;
}

static int open_path(struct sam_output *output, const char *path, struct sam_error *error)
{
    struct stat status;
    const bool exists = stat(path, &status) == 0;
    char *target = exists ? realpath(path, NULL) : NULL; /* behind symbolic links */
    output->path = target ? target : sam_memory_string(path, error);
    if (!output->path)
        return -1;
    if (!exists || S_ISREG(status.st_mode))
        return open_temporary(output, error);
    output->file = fopen(path, "wb");
    return output->file ? 0 : sam_error_errno(error, "%s: cannot be opened", path);
}

int sam_output_open(struct sam_output *output, const char *path, struct sam_error *error)
{
    *output = (struct sam_output){0};
    if (!path || strcmp(path, "-") == 0) {
        output->file = stdout;
        output->path = sam_memory_string("standard output", error);
        return output->path ? 0 : -1;
    }
    if (open_path(output, path, error) == 0)
        return 0;
    sam_output_discard(output);
    return -1;
}

int sam_output_commit(struct sam_output *output, struct sam_error *error)
{
    bool failed = fflush(output->file) || ferror(output->file);
    if (output->temporary)
        failed = failed || fsync(fileno(output->file));
    if (output->file != stdout)
        failed = fclose(output->file) || failed;
    output->file = NULL;
    if (output->temporary)
        failed = failed || rename(output->temporary, output->path);
    if (failed) {
        sam_error_errno(error, "%s: write failed", output->path);
        sam_output_discard(output);
        return -1;
    }
    forget(output);
    return 0;
}

void sam_output_discard(struct sam_output *output)
{
    if (output->file && output->file != stdout)
        fclose(output->file);
    if (output->temporary)
        unlink(output->temporary);
    forget(output);
}
