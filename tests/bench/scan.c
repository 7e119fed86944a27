/* scan - how fast a file in the page cache can be looked at where it lies: all threads this process
 * may have add up its words, as it lies mapped, and do nothing else. A tool that maps the file
 * takes so long in any case; one that copies it by read() is faster where pages are dear.
 *
 *   scan FILE
 *
 * prints the sum. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/pool.h"

enum { PIECE = 1 << 20 }; /* bytes of a job */

struct scan {
    const uint64_t *words;
    size_t count;
    uint64_t *sums; /* of the pieces */
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void sum_piece(void *context, size_t job, int worker)
{
    (void)worker;
    const struct scan *scan = context;
    const size_t piece = PIECE / sizeof *scan->words, first = job * piece;
    const size_t end = first + piece < scan->count ? first + piece : scan->count;
    uint64_t sum = 0;
    for (size_t i = first; i < end; i++)
        sum += scan->words[i];
    scan->sums[job] = sum;
}

static struct scan map_file(const char *path)
{
    const int file = open(path, O_RDONLY);
    struct stat about;
    if (file < 0 || fstat(file, &about))
        die(path);
    void *words = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_SHARED, file, 0);
    if (words == MAP_FAILED)
        die(path);
    /* A wish, as in stream/mapping.c: the page cache's large pieces as they are. */
    (void)madvise(words, (size_t)about.st_size, MADV_HUGEPAGE);
    return (struct scan){.words = words, .count = (size_t)about.st_size / sizeof(uint64_t)};
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: scan FILE\n");
        return 2;
    }
    struct scan scan = map_file(argv[1]);
    const size_t jobs = scan.count * sizeof *scan.words / PIECE + 1;
    struct sam_error error;
    struct sam_pool *pool = sam_pool_new(sam_pool_processors(), &error);
    scan.sums = calloc(jobs, sizeof *scan.sums);
    if (!pool || !scan.sums)
        die("scan");
    sam_pool_run(pool, jobs, sum_piece, &scan);
    uint64_t sum = 0;
    for (size_t job = 0; job < jobs; job++)
        sum += scan.sums[job];
    printf("%" PRIu64 "\n", sum);
    sam_pool_free(pool);
    free(scan.sums);
}
