/* A tool as a whole: its main(), compiled as tool_main(), gets the bytes of an input as its
 * standard input. The first byte chooses a line of options below, and with its highest bit a pipe
 * instead of a file. Checked: the exit status is 0 or 1; a tool that fails says why; the table on
 * standard output has the same number of fields in each row; a stream on standard output can be
 * read.
 *
 * Compile with -DTOOL='"NAME"', and link with --wrap for exit, mmap and munmap: a tool that stops
 * on an error exits, and here comes back instead, leaving the memory it had for this file to free.
 */
#include "fuzz.h"

#include <setjmp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/csv.h"
#include "base/error.h"
#include "stream/reader.h"

int tool_main(int argc, char **argv);

static const struct tool {
    const char *name;
    bool writes_stream;
    const char *options[9]; /* lines of options, ended by NULL */
} tools[] = {
    {"grad-info", false, {"", "--by tensor", "--by kind", "-t *a* -t x", NULL}},
    {"grad-cat",
     true,
     {"", "--dtype f16", "--dtype bf16 --checksum", "--dtype f64", "--records 2-9", "--steps 10-20",
      "--epochs 1 --meta epoch=3", "-t *a*", NULL}},
    {"classify-ratio",
     false,
     {"", "--by tensor --percent", "--by kind --null", "--eps 1e-8", "-t *a* --null", NULL}},
    {"bucket-stats",
     false,
     {"", "--by tensor --percent", "--by kind", "--cumulative --class 2",
      "--class 3 --edges 1,2,inf", "--edges 1,1.5,3 --null", NULL}},
    {"flat-threshold",
     false,
     {"", "--by tensor", "--by kind --null", "--magnitude perturbed", "--class 3", NULL}},
    {"overlap",
     false,
     {"", "--by tensor", "--running --by kind", "--all-pairs", "--lag 1",
      "--reference 20 --class 2", "--percent", NULL}},
    {"class-transitions", false, {"", "--by tensor", "--by kind --percent", "--null", NULL}},
    {"mean-gradient", false, {"", "--by tensor", "--by kind --critical 1.5", NULL}},
};

static const struct tool *find_tool(void)
{
    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++)
        if (strcmp(tools[i].name, TOOL) == 0)
            return &tools[i];
    fprintf(stderr, "no options for the tool %s\n", TOOL);
    abort();
}

/* --- What a tool that exits leaves behind ----------------------------------------------------- */

/* Of a thread: the fuzzer has threads of its own, whose memory is not the tool's. An input is too
 * short for the tool to begin a second one. */
static _Thread_local bool running;
static jmp_buf back;
static int exit_status;

_Noreturn void __real_exit(int status);
_Noreturn void __wrap_exit(int status);
_Noreturn void __wrap_exit(int status)
{
    if (!running)
        __real_exit(status);
    exit_status = status;
    longjmp(back, 1);
}

enum { MOST_BLOCKS = 1 << 14, MOST_MAPPINGS = 1 << 10 };
static void *blocks[MOST_BLOCKS];
static size_t block_count;
static struct {
    void *base;
    size_t bytes;
} mappings[MOST_MAPPINGS];
static size_t mapping_count;

void *__real_mmap(void *at, size_t bytes, int protection, int flags, int descriptor, off_t offset);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int descriptor, off_t offset);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int descriptor, off_t offset)
{
    void *base = __real_mmap(at, bytes, protection, flags, descriptor, offset);
    if (running && base != MAP_FAILED) {
        DEMAND(mapping_count < MOST_MAPPINGS);
        mappings[mapping_count].base = base;
        mappings[mapping_count++].bytes = bytes;
    }
    return base;
}

int __real_munmap(void *base, size_t bytes);
int __wrap_munmap(void *base, size_t bytes);
int __wrap_munmap(void *base, size_t bytes)
{
    for (size_t i = mapping_count; running && i-- > 0;)
        if (mappings[i].base == base) {
            mappings[i] = mappings[--mapping_count];
            break;
        }
    return __real_munmap(base, bytes);
}

#if defined(__SANITIZE_ADDRESS__) /* GCC */
#define HOOKS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) /* clang */
#define HOOKS
#endif
#endif

#ifdef HOOKS
/* sanitizer/allocator_interface.h, which GCC does not install, has it so. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));

static void on_malloc(const volatile void *block, size_t bytes)
{
    (void)bytes;
    if (!running)
        return;
    DEMAND(block_count < MOST_BLOCKS);
    blocks[block_count++] = (void *)block;
}

static void on_free(const volatile void *block)
{
    for (size_t i = block_count; running && i-- > 0;)
        if (blocks[i] == block) {
            blocks[i] = blocks[--block_count];
            return;
        }
}
#endif

/* Without the sanitizer nothing is known of the blocks, and a few are lost. */
static void watch_memory(void)
{
#ifdef HOOKS
    __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
#endif
}

static void free_what_is_left(void)
{
    running = false;
    while (block_count > 0)
        free(blocks[--block_count]);
    while (mapping_count > 0) {
        mapping_count--;
        __real_munmap(mappings[mapping_count].base, mappings[mapping_count].bytes);
    }
}

/* --- A run ------------------------------------------------------------------------------------ */

/* Files in memory that take the places of standard output and standard error. */
static int output = -1, messages = -1;

static void rewind_file(int descriptor)
{
    DEMAND(ftruncate(descriptor, 0) == 0 && lseek(descriptor, 0, SEEK_SET) == 0);
}

static void start(void)
{
    if (output >= 0)
        return;
    output = memfd_create("output", 0);
    messages = memfd_create("messages", 0);
    DEMAND(output >= 0 && messages >= 0);
    /* To fill a huge page with zeros for the few bytes of an input would take most of the time. */
    DEMAND(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
    watch_memory();
}

/* Calls the tool; a tool that comes to its end closes standard output itself. */
static void call_tool(int count, char **arguments)
{
    running = true;
    if (setjmp(back) == 0)
        exit_status = tool_main(count, arguments);
    else
        fclose(stdout);
    free_what_is_left();
}

static int run_tool(const char *options)
{
    char line[128], *arguments[16] = {(char *)TOOL};
    int count = 1;
    FILE *const real_output = stdout, *const real_messages = stderr;
    strcpy(line, options);
    for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
        arguments[count++] = word;
    stdout = fdopen(dup(output), "w");
    stderr = fdopen(dup(messages), "w");
    DEMAND(stdout && stderr);
    setvbuf(stderr, NULL, _IONBF, 0);
    call_tool(count, arguments);
    fclose(stderr);
    stdout = real_output;
    stderr = real_messages;
    return exit_status;
}

static int on_row(void *context, uint64_t row, char *const *fields, size_t count,
                  struct sam_error *error)
{
    size_t *columns = context;
    (void)fields;
    (void)error;
    if (row == 1)
        *columns = count;
    DEMAND(count == *columns);
    return 0;
}

/* A tool that fails before its first row writes no header either. */
static void check_table(int status)
{
    struct sam_error error;
    size_t columns = 0;
    FILE *file = fdopen(dup(output), "r");
    DEMAND(file && fseek(file, 0, SEEK_SET) == 0);
    DEMAND(sam_csv_read(file, TOOL, on_row, &columns, &error) == 0);
    DEMAND(columns > 0 || status != SAM_OK);
    fclose(file);
}

static void check_stream(void)
{
    struct sam_error error;
    const struct sam_record *record;
    char path[32];
    int more;
    snprintf(path, sizeof path, "/proc/self/fd/%d", output);
    struct sam_reader *reader = sam_reader_new(path, &error);
    DEMAND(reader);
    while ((more = sam_reader_next(reader, &record, &error)) == 1)
        continue;
    DEMAND(more == 0);
    sam_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct tool *tool = find_tool();
    size_t lines = 0;
    struct fuzz_stream stream;
    if (size == 0 || size > FUZZ_MAX_BYTES)
        return 0;
    while (tool->options[lines])
        lines++;
    start();
    rewind_file(output);
    rewind_file(messages);
    fuzz_open(&stream, data + 1, size - 1, data[0] & 0x80);
    DEMAND(dup2(stream.descriptor, STDIN_FILENO) == STDIN_FILENO);
    fuzz_close(&stream);

    const int status = run_tool(tool->options[(data[0] & 0x7f) % lines]);
    DEMAND(status == SAM_OK || status == SAM_FAILED);
    DEMAND((status == SAM_OK) == (lseek(messages, 0, SEEK_END) == 0));
    if (!tool->writes_stream)
        check_table(status);
    else if (status == SAM_OK)
        check_stream();
    return 0;
}
