/* stop_at - a library to preload: the process kills itself (SIGKILL) just before its STOP_AT-th
 * call of rename() or fsync(), the calls by which a checkpoint comes to be. tests/cli/resume.bats
 * compiles it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>

static void stop_if_due(void)
{
    static long calls;
    const char *at = getenv("STOP_AT");
    if (at && ++calls == atol(at))
        raise(SIGKILL);
}

int rename(const char *from, const char *to)
{
    int (*real)(const char *, const char *) =
        (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    stop_if_due();
    return real(from, to);
}

int fsync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    stop_if_due();
    return real(fd);
}
