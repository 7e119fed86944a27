#define _GNU_SOURCE /* O_TMPFILE, asprintf() */
#include "base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
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

/* `name` in the folder of `path`; NULL without memory. The caller frees. */
static char *beside(const char *path, const char *name)
{
    const char *slash = *name == '/' ? NULL : strrchr(path, '/');
    const size_t length = slash ? (size_t)(slash - path) + 1 : 0;
    char *joined = malloc(length + strlen(name) + 1);
    if (joined) {
        memcpy(joined, path, length);
        strcpy(joined + length, name);
    }
    return joined;
}

/* A file without a name on the file system of `path`, -1 where there is none. The name is given
 * later through /proc. */
static int open_nameless(const char *path)
{
    char *folder = access("/proc/self/fd", X_OK) ? NULL : beside(path, ".");
    const int descriptor = folder ? open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666) : -1;
    free(folder);
    return descriptor;
}

/* A file with a temporary name in the folder of `path`. It is short, whatever the other is. */
static int open_named(const char *path, char **temporary)
{
    char *name = beside(path, ".samscope.XXXXXX");
    const int descriptor = name ? mkstemp(name) : -1;
    if (descriptor < 0) {
        free(name);
        return -1;
    }
    set_mode(descriptor);
    *temporary = name;
    return descriptor;
}

static int open_temporary(struct sam_output *output, struct sam_error *error)
{
    int descriptor = open_nameless(output->path);
    output->nameless = descriptor >= 0;
    if (!output->nameless)
        descriptor = open_named(output->path, &output->temporary);
    if (descriptor < 0)
        return sam_error_errno(error, "%s: cannot be created", output->path);
    output->file = fdopen(descriptor, "wb");
    if (output->file)
        return 0;
    sam_error_errno(error, "%s: cannot be opened", output->path);
    close(descriptor);
    return -1;
}

bool sam_output_is_stdout(const char *path)
{
    struct stat file, out;
    return strcmp(path, "-") == 0 ||
           (stat(path, &file) == 0 && S_ISFIFO(file.st_mode) && fstat(STDOUT_FILENO, &out) == 0 &&
            sam_output_is_file(&file, &out));
}

int sam_output_check_streams(const char *path, struct sam_error *error)
{
    struct stat file, stream;
    if (stat(path, &file) || !S_ISREG(file.st_mode))
        return 0;
    for (int descriptor = STDOUT_FILENO; descriptor <= STDERR_FILENO; descriptor++)
        if (fstat(descriptor, &stream) == 0 && sam_output_is_file(&file, &stream))
            return sam_error_set(error, SAM_USAGE,
                                 "%s: where standard %s goes, wanted another file", path,
                                 descriptor == STDOUT_FILENO ? "output" : "error");
    return 0;
}

/* A file that takes the place of another, behind symbolic links, and has its mode. */
static int open_replacement(struct sam_output *output, const char *path, const struct stat *old,
                            struct sam_error *error)
{
    if (sam_output_check_streams(path, error))
        return -1;
    output->path = realpath(path, NULL);
    if (!output->path)
        return sam_error_errno(error, "%s: cannot be found", path);
    if (open_temporary(output, error))
        return -1;
    (void)fchmod(fileno(output->file), old->st_mode & 0777);
    return 0;
}

static int open_path(struct sam_output *output, const char *path, struct sam_error *error)
{
    struct stat status;
    const bool exists = stat(path, &status) == 0;
    if (exists && S_ISREG(status.st_mode))
        return open_replacement(output, path, &status, error);
    const int reason = errno;
    if (!exists && lstat(path, &status) == 0 && S_ISLNK(status.st_mode)) {
        errno = reason;
        return sam_error_errno(error, "%s: a symbolic link that leads nowhere", path);
    }
    if (!exists && (!*path || reason != ENOENT)) {
        errno = reason;
        return sam_error_errno(error, "'%s': no name that a file can have", path);
    }
    output->path = sam_memory_string(path, error);
    if (!output->path)
        return -1;
    if (!exists)
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

int sam_output_check(const char *path, struct sam_error *error)
{
    struct sam_output output;
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
        return 0;
    if (sam_output_open(&output, path, error))
        return -1;
    sam_output_discard(&output);
    return 0;
}

/* Where a file of that path would come to lie that is not there yet: its folder without links, and
 * its name. `links` may be followed to it. NULL if there is no such folder. The caller frees. */
static char *future(const char *path, int links)
{
    char target[PATH_MAX];
    const ssize_t length = readlink(path, target, sizeof target - 1);
    if (length >= 0) {
        target[length] = '\0';
        char *next = links > 0 ? beside(path, target) : NULL;
        char *place = next ? future(next, links - 1) : NULL;
        free(next);
        return place;
    }
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *folder = beside(path, "."), *real = folder ? realpath(folder, NULL) : NULL;
    char *place = NULL;
    if (real && asprintf(&place, "%s/%s", real, name) < 0)
        place = NULL;
    free(folder);
    free(real);
    return place;
}

bool sam_output_same(const char *a, const char *b)
{
    enum { LINKS = 16 };
    struct stat one, other;
    const bool there = stat(a, &one) == 0, also = stat(b, &other) == 0;
    if (there || also)
        return there && also && sam_output_is_file(&one, &other);
    char *place = future(a, LINKS), *same = future(b, LINKS);
    const bool equal = place && same && strcmp(place, same) == 0;
    free(place);
    free(same);
    return equal;
}

/* Gives a file without a name a temporary one: a link cannot take another file's place. */
static int link_temporary(struct sam_output *output, const char *descriptor,
                          struct sam_error *error)
{
    char own[48];
    for (unsigned i = 0; i < 100; i++) {
        snprintf(own, sizeof own, ".samscope.%ld.%u", (long)getpid(), i);
        char *name = beside(output->path, own);
        if (name && !linkat(AT_FDCWD, descriptor, AT_FDCWD, name, AT_SYMLINK_FOLLOW)) {
            output->temporary = name;
            return 0;
        }
        const bool taken = name && errno == EEXIST;
        free(name);
        if (!taken)
            break;
    }
    return sam_error_errno(error, "%s: cannot be named", output->path);
}

/* Gives the file its name, in place of a file that may have it. */
static int name_file(struct sam_output *output, struct sam_error *error)
{
    char descriptor[32];
    snprintf(descriptor, sizeof descriptor, "/proc/self/fd/%d", fileno(output->file));
    if (output->nameless &&
        linkat(AT_FDCWD, descriptor, AT_FDCWD, output->path, AT_SYMLINK_FOLLOW) == 0)
        return 0;
    if (output->nameless && link_temporary(output, descriptor, error))
        return -1;
    if (output->temporary && rename(output->temporary, output->path))
        return sam_error_errno(error, "%s: cannot be named", output->path);
    return 0;
}

/* The same; a signal that ends the process does so before or behind it. */
static int name_undisturbed(struct sam_output *output, struct sam_error *error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    const int status = name_file(output, error);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

static int finish_file(struct sam_output *output, struct sam_error *error)
{
    const bool appears = output->nameless || output->temporary;
    bool failed = fflush(output->file) || ferror(output->file);
    failed = failed || (appears && fsync(fileno(output->file)));
    if (failed)
        return sam_error_errno(error, "%s: write failed", output->path);
    if (appears && name_undisturbed(output, error))
        return -1;
    FILE *file = output->file;
    output->file = NULL;
    if (file != stdout && fclose(file))
        return sam_error_errno(error, "%s: write failed", output->path);
    return 0;
}

int sam_output_commit(struct sam_output *output, struct sam_error *error)
{
    if (finish_file(output, error)) {
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

FILE *sam_output_spool(struct sam_error *error)
{
    const char *set = getenv("TMPDIR"), *folder = set && *set ? set : P_tmpdir;
    int descriptor = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    char *name = NULL;
    if (descriptor < 0 && asprintf(&name, "%s/samscope.XXXXXX", folder) >= 0) {
        descriptor = mkstemp(name);
        if (descriptor >= 0)
            unlink(name);
        free(name);
    }
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w+b");
    if (!file)
        sam_error_errno(error, "%s: no temporary file can be made there", folder);
    return file;
}
