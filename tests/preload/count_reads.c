/* count_reads - a library to preload: at its end the tool says on standard error how many bytes
 * pread() gave it. tests/cli/flat-threshold.bats compiles it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static _Atomic long long bytes;

ssize_t pread64(int descriptor, void *buffer, size_t size, off64_t place)
{
    static ssize_t (*real)(int, void *, size_t, off64_t);
    if (!real)
        real = (ssize_t(*)(int, void *, size_t, off64_t))dlsym(RTLD_NEXT, "pread64");
    const ssize_t got = real(descriptor, buffer, size, place);
    if (got > 0)
        bytes += got;
    return got;
}

ssize_t pread(int descriptor, void *buffer, size_t size, off_t place)
{
    return pread64(descriptor, buffer, size, place);
}

__attribute__((destructor)) static void say(void)
{
    fprintf(stderr, "%lld\n", bytes);
}
