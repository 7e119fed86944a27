/* io_errors - a library to preload: calls that hardly ever fail do, with EIO, as on a network's
 * file system. The environment variable IO_ERROR names the one: access, or fclose of a file that
 * is no standard stream, which closes it all the same. tests/cli/resume.bats compiles it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_to_fail(const char *name)
{
    const char *named = getenv("IO_ERROR");
    return named && strcmp(named, name) == 0;
}

int access(const char *path, int mode)
{
    int (*real)(const char *, int) = (int (*)(const char *, int))dlsym(RTLD_NEXT, "access");
    if (!is_to_fail("access"))
        return real(path, mode);
    errno = EIO;
    return -1;
}

int fclose(FILE *file)
{
    int (*real)(FILE *) = (int (*)(FILE *))dlsym(RTLD_NEXT, "fclose");
    const bool concerned = fileno(file) > STDERR_FILENO;
    const int status = real(file);
    if (!concerned || !is_to_fail("fclose"))
        return status;
    errno = EIO;
    return EOF;
}
