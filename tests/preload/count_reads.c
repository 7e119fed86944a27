/* count_reads - a library to preload: at its end the tool says on standard error how many bytes
 * pread() gave it; files cannot be mapped. tests/cli/flat-threshold.bats compiles it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
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

void *mmap64(void *at, size_t size, int protection, int flags, int descriptor, off64_t place)
{
    static void *(*real)(void *, size_t, int, int, int, off64_t);
    if (descriptor >= 0) {
        errno = ENODEV;
        return MAP_FAILED;
    }
    if (!real)
        real = (void *(*)(void *, size_t, int, int, int, off64_t))dlsym(RTLD_NEXT, "mmap64");
    return real(at, size, protection, flags, descriptor, place);
}

void *mmap(void *at, size_t size, int protection, int flags, int descriptor, off_t place)
{
    return mmap64(at, size, protection, flags, descriptor, place);
}

__attribute__((destructor)) static void say(void)
{
    fprintf(stderr, "%lld\n", bytes);
}
