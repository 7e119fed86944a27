/* faults - a library to preload: one call of the process fails, or comes upon a changed file. The
 * environment says which: FAULT is KIND:K, for the K-th call of its kind.
 *
 *     memory     malloc() and its like, or mmap() of memory: there is none
 *     memory-on  ... nor for any later call
 *     read       read(), pread(): EIO
 *     thread     pthread_create(): EAGAIN
 *     shrink     before the K-th read, half of the file FAULT_FILE is cut off
 *     grow       before the K-th read, a byte is added to it
 *     count      none: at the process's end the number of its calls for memory is written to
 *                FAULT_FD as text, K being 0
 *
 * When a fault happens, a byte is written to the descriptor FAULT_FD: there was a K-th call. Calls
 * before main() are not counted. tests/oracle/call_faults.c sets all this. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What malloc() and its like are in glibc, without the detour through dlsym(), which allocates. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

enum kind { NONE, MEMORY, MEMORY_ON, READ, THREAD, SHRINK, GROW, COUNT };

static enum kind kind;
static long place;
static atomic_long calls;

__attribute__((constructor)) static void start(void)
{
    static const char *const names[] = {"",       "memory", "memory-on", "read",
                                        "thread", "shrink", "grow",      "count"};
    const char *fault = getenv("FAULT"), *colon = fault ? strchr(fault, ':') : NULL;
    if (!colon)
        return;
    place = atol(colon + 1);
    for (enum kind i = MEMORY; i <= COUNT; i++)
        if (strlen(names[i]) == (size_t)(colon - fault) &&
            strncmp(names[i], fault, (size_t)(colon - fault)) == 0)
            kind = i;
}

__attribute__((destructor)) static void end(void)
{
    if (kind == COUNT)
        dprintf(atoi(getenv("FAULT_FD")), "%ld\n", atomic_load(&calls));
}

static void report(void)
{
    const int error = errno;
    if (write(atoi(getenv("FAULT_FD")), "", 1) != 1)
        abort();
    errno = error;
}

/* Counts a call of this kind; true for the one. */
static bool due(enum kind which)
{
    if (kind != which || atomic_fetch_add(&calls, 1) + 1 != place)
        return false;
    report();
    return true;
}

/* --- Memory ----------------------------------------------------------------------------------- */

static bool no_memory(void)
{
    const bool none =
        due(MEMORY) || due(MEMORY_ON) || (kind == MEMORY_ON && calls > place) || due(COUNT);
    if (none)
        errno = ENOMEM;
    return none;
}

void *malloc(size_t size)
{
    return no_memory() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return no_memory() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    return no_memory() ? NULL : __libc_realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return no_memory() ? NULL : __libc_memalign(alignment, size);
}

void *mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    void *(*real)(void *, size_t, int, int, int, off_t) =
        (void *(*)(void *, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap");
    return fd < 0 && no_memory() ? MAP_FAILED : real(at, bytes, protection, flags, fd, offset);
}

/* --- Files ------------------------------------------------------------------------------------ */

static void change_file(bool grow)
{
    struct stat status;
    const char *path = getenv("FAULT_FILE");
    if (stat(path, &status) || truncate(path, grow ? status.st_size + 1 : status.st_size / 2))
        abort();
}

/* What happens before a read: true if it fails. */
static bool before_read(void)
{
    if (due(SHRINK))
        change_file(false);
    if (due(GROW))
        change_file(true);
    if (!due(READ))
        return false;
    errno = EIO;
    return true;
}

ssize_t read(int fd, void *buffer, size_t bytes)
{
    ssize_t (*real)(int, void *, size_t) =
        (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    return before_read() ? -1 : real(fd, buffer, bytes);
}

ssize_t pread(int fd, void *buffer, size_t bytes, off_t offset)
{
    ssize_t (*real)(int, void *, size_t, off_t) =
        (ssize_t(*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread");
    return before_read() ? -1 : real(fd, buffer, bytes, offset);
}

/* --- Threads ---------------------------------------------------------------------------------- */

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
        (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))dlsym(
            RTLD_NEXT, "pthread_create");
    return due(THREAD) ? EAGAIN : real(thread, attributes, start, argument);
}
