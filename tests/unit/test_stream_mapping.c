/* Files as memory, and pages of them that are not there. Oracle: the bytes that were written. */
#include "stream_files.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "stream/mapping.h"

enum { BYTES = (40 << 20) + 12345, OFFSET = 5001, LEFT = 10 << 20 };

/* What was written, and what is seen where a page is not there. */
static unsigned char written[BYTES], zeros[BYTES];

/* A file that only its descriptor knows. */
static int open_file(void)
{
    char path[] = "/tmp/test_stream.XXXXXX";
    const int fd = mkstemp(path);
    for (size_t i = 0; i < BYTES; i++)
        written[i] = (unsigned char)(i * 2654435761u >> 13) | 1;
    assert_int_equal(write(fd, written, BYTES), BYTES);
    remove(path);
    return fd;
}

static struct sam_mapping *map_file(int fd)
{
    struct sam_mapping *mapping = sam_mapping_new(fd, OFFSET, BYTES - OFFSET);
    assert_non_null(mapping);
    return mapping;
}

/* Whether the file's bytes from `first` to `end` are seen as those of `bytes`. */
static bool are(const struct sam_mapping *mapping, size_t first, size_t end,
                const unsigned char *bytes)
{
    return memcmp(sam_mapping_at(mapping, first - OFFSET), bytes + first, end - first) == 0;
}

/* Also after pages were given back. */
static void the_bytes_of_the_file(void **state)
{
    const int fd = open_file();
    struct sam_mapping *mapping = map_file(fd);
    uint64_t place;
    (void)state;
    for (size_t i = OFFSET; i + 65536 <= BYTES; i += 65536) {
        assert_true(are(mapping, i, i + 65536, written));
        sam_mapping_used(mapping, 65536);
    }
    assert_true(are(mapping, OFFSET, BYTES, written));
    assert_false(sam_mapping_lost(mapping, BYTES - OFFSET, &place));
    sam_mapping_free(mapping);
    close(fd);
}

static void *look_behind_the_cut(void *context)
{
    return are(context, BYTES / 2, BYTES, zeros) ? context : NULL;
}

/* By two threads, of which the second comes to pages that the first has not touched. */
static void pages_that_were_cut_off(void **state)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    const int fd = open_file();
    struct sam_mapping *mapping = map_file(fd);
    pthread_t second;
    void *found;
    uint64_t place;
    (void)state;
    assert_true(are(mapping, OFFSET, BYTES / 2, written));
    assert_int_equal(ftruncate(fd, LEFT), 0);
    assert_true(are(mapping, OFFSET, LEFT, written));
    assert_false(sam_mapping_lost(mapping, BYTES - OFFSET, &place));
    assert_true(are(mapping, BYTES / 2 - 1, BYTES / 2, zeros));
    assert_true(are(mapping, LEFT, BYTES / 2, zeros));
    assert_true(sam_mapping_lost(mapping, LEFT + page - OFFSET, &place));
    assert_false(sam_mapping_lost(mapping, LEFT - OFFSET, &place));
    assert_true(place + OFFSET >= LEFT && place + OFFSET < LEFT + page);
    assert_int_equal(pthread_create(&second, NULL, look_behind_the_cut, mapping), 0);
    assert_int_equal(pthread_join(second, &found), 0);
    assert_ptr_equal(found, mapping);
    sam_mapping_free(mapping);
    close(fd);
}

static void what_cannot_be_mapped(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_null(sam_mapping_new(ends[0], 0, 100));
    assert_null(sam_mapping_new(-1, 0, 100));
    close(ends[0]);
    close(ends[1]);
    sam_mapping_free(NULL);
}

/* No more than can be listed for the handler; each of those is looked after. */
static void many_mappings(void **state)
{
    struct sam_mapping *mappings[100];
    const int fd = open_file();
    uint64_t place;
    int count = 0;
    (void)state;
    while (count < 100 && (mappings[count] = sam_mapping_new(fd, OFFSET, BYTES - OFFSET)))
        count++;
    assert_in_range(count, 2, 99);
    sam_mapping_free(mappings[0]);
    mappings[0] = map_file(fd);
    assert_int_equal(ftruncate(fd, LEFT), 0);
    for (int i = 0; i < count; i++) {
        assert_false(sam_mapping_lost(mappings[i], BYTES - OFFSET, &place));
        assert_true(are(mappings[i], BYTES - 1, BYTES, zeros));
        assert_true(sam_mapping_lost(mappings[i], BYTES - OFFSET, &place));
    }
    while (count > 0)
        sam_mapping_free(mappings[--count]);
    close(fd);
}

/* The address of a page behind the end of a file, which nobody looks after. */
static volatile unsigned char *nobodys_page(int fd)
{
    void *page = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(page != MAP_FAILED);
    assert_int_equal(ftruncate(fd, 0), 0);
    return page;
}

static void others_pages_are_others(void **state)
{
    const int fd = open_file();
    struct sigaction before, after;
    int status;
    (void)state;
    assert_int_equal(sigaction(SIGBUS, NULL, &before), 0);
    sam_mapping_free(map_file(fd));
    assert_int_equal(sigaction(SIGBUS, NULL, &after), 0);
    assert_true(before.sa_handler == after.sa_handler);
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGBUS, SIG_DFL);
        map_file(fd);
        _exit(*nobodys_page(fd));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_of_the_file),   cmocka_unit_test(pages_that_were_cut_off),
        cmocka_unit_test(what_cannot_be_mapped),   cmocka_unit_test(many_mappings),
        cmocka_unit_test(others_pages_are_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
