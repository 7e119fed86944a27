#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "stream/mapping.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"

/* Pages are given back in this step: few enough calls, which all processors wait for, and little
 * memory. */
enum { KEPT_BYTES = 16 << 20 };

struct sam_mapping {
    unsigned char *pages; /* what is mapped begins with a page, */
    size_t mapped;
    size_t skipped; /* and so many bytes before what was asked for */
    uintptr_t page;
    atomic_size_t used;    /* bytes since pages were given back */
    atomic_uintptr_t lost; /* the lowest page that could not be had; UINTPTR_MAX: none */
};

/* --- SIGBUS -------------------------------------------------------------------------------------
 * A handler is told an address and nothing else, so what it serves has to be where it can look. */

enum { MOST_MAPPINGS = 8 };
static struct {
    _Atomic(struct sam_mapping *) mappings[MOST_MAPPINGS];
    pthread_mutex_t mutex; /* for who changes that */
    int count;
    struct sigaction before; /* while there are any */
} handled = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static struct sam_mapping *mapping_of(uintptr_t address)
{
    for (int i = 0; i < MOST_MAPPINGS; i++) {
        struct sam_mapping *mapping = handled.mappings[i];
        if (mapping && address - (uintptr_t)mapping->pages < mapping->mapped)
            return mapping;
    }
    return NULL;
}

/* Puts a page of zeros where there is none. */
static bool put_zeros(struct sam_mapping *mapping, uintptr_t page)
{
    uintptr_t lowest = mapping->lost;
    while (page < lowest && !atomic_compare_exchange_weak(&mapping->lost, &lowest, page))
        continue;
    return mmap((void *)page, mapping->page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                0) != MAP_FAILED;
}

/* On return the access is made again: to zeros, or under the action that there was. */
static void on_bus_error(int signal, siginfo_t *info, void *context)
{
    const uintptr_t address = (uintptr_t)info->si_addr;
    struct sam_mapping *mapping = mapping_of(address);
    const int error = errno;
    (void)context;
    if (!mapping || !put_zeros(mapping, address / mapping->page * mapping->page))
        sigaction(signal, &handled.before, NULL);
    errno = error;
}

/* Puts one in the place of another, of which NULL is a free place; false if that is not listed. */
static bool replace(struct sam_mapping *old, struct sam_mapping *new)
{
    for (int i = 0; i < MOST_MAPPINGS; i++)
        if (handled.mappings[i] == old) {
            handled.mappings[i] = new;
            return true;
        }
    return false;
}

/* False if as many are listed as can be. */
static bool list(struct sam_mapping *mapping)
{
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    pthread_mutex_lock(&handled.mutex);
    const bool done = replace(NULL, mapping);
    if (done && handled.count++ == 0)
        sigaction(SIGBUS, &action, &handled.before);
    pthread_mutex_unlock(&handled.mutex);
    return done;
}

static void strike(struct sam_mapping *mapping)
{
    pthread_mutex_lock(&handled.mutex);
    if (replace(mapping, NULL) && --handled.count == 0)
        sigaction(SIGBUS, &handled.before, NULL);
    pthread_mutex_unlock(&handled.mutex);
}

/* --- Mappings --------------------------------------------------------------------------------- */

/* Maps what the mapping is to have. What is not in the page cache yet is wanted there in large
 * pieces, which are mapped at once, now and by whoever reads the file next. */
static bool map(struct sam_mapping *mapping, int fd, uint64_t offset)
{
    void *pages = mmap(NULL, mapping->mapped, PROT_READ, MAP_SHARED, fd, (off_t)offset);
    if (pages == MAP_FAILED)
        return false;
    mapping->pages = pages;
    (void)madvise(pages, mapping->mapped, MADV_HUGEPAGE);
    return true;
}

struct sam_mapping *sam_mapping_new(int fd, uint64_t offset, uint64_t bytes)
{
    struct sam_error error;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uint64_t skipped = offset % page, mapped = skipped + bytes;
    struct sam_mapping *mapping =
        mapped <= SIZE_MAX ? sam_memory_new(1, sizeof *mapping, &error) : NULL;
    if (!mapping)
        return NULL;
    mapping->page = page;
    mapping->lost = UINTPTR_MAX;
    mapping->skipped = (size_t)skipped;
    mapping->mapped = (size_t)mapped;
    if (map(mapping, fd, offset - skipped)) {
        if (list(mapping))
            return mapping;
        munmap(mapping->pages, mapping->mapped);
    }
    free(mapping);
    return NULL;
}

void sam_mapping_free(struct sam_mapping *mapping)
{
    if (!mapping)
        return;
    strike(mapping);
    munmap(mapping->pages, mapping->mapped);
    free(mapping);
}

const void *sam_mapping_at(const struct sam_mapping *mapping, uint64_t place)
{
    return mapping->pages + mapping->skipped + place;
}

void sam_mapping_used(struct sam_mapping *mapping, size_t bytes)
{
    if (atomic_fetch_add(&mapping->used, bytes) + bytes < KEPT_BYTES)
        return;
    mapping->used = 0;
    (void)madvise(mapping->pages, mapping->mapped, MADV_DONTNEED);
}

bool sam_mapping_lost(const struct sam_mapping *mapping, uint64_t end, uint64_t *place)
{
    const uintptr_t page = mapping->lost, first = (uintptr_t)sam_mapping_at(mapping, 0);
    *place = page > first ? page - first : 0;
    return page < first + end;
}
