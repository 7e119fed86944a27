/* Gives the files named on the command line to a harness, one after the other: without a fuzzer, so
 * that the seeds and the inputs of former findings are part of the ordinary tests. With --faults
 * before them, each file is also given cut after 0, 1, 2, ... bytes, and with each of its bits
 * turned. */
#include "fuzz.h"

#include <string.h>
#include <sys/wait.h>

static unsigned long inputs;

/* In a block of its own size, so that a sanitizer sees what is read behind it. */
static void give(const uint8_t *data, size_t size)
{
    uint8_t *input = malloc(size + !size);
    DEMAND(input);
    memcpy(input, data, size);
    LLVMFuzzerTestOneInput(input, size);
    free(input);
    inputs++;
}

static void give_fault(uint8_t *data, size_t size, size_t fault)
{
    if (fault < size) {
        give(data, fault);
        return;
    }
    const size_t bit = fault - size;
    const uint8_t mask = (uint8_t)(1u << bit % 8);
    data[bit / 8] ^= mask;
    give(data, size);
    data[bit / 8] ^= mask;
}

/* A few at a time in a process of their own: what a tool that fails does not free is gone then. */
static void give_faults(uint8_t *data, size_t size)
{
    enum { BATCH = 32 };
    const size_t faults = 9 * size;
    for (size_t first = 0; first < faults; first += BATCH) {
        const size_t end = first + BATCH < faults ? first + BATCH : faults;
        int status;
        const pid_t child = fork();
        DEMAND(child >= 0);
        if (child == 0) {
            for (size_t fault = first; fault < end; fault++)
                give_fault(data, size, fault);
            _exit(0);
        }
        DEMAND(waitpid(child, &status, 0) == child && status == 0);
        inputs += end - first;
    }
}

int main(int argc, char **argv)
{
    static uint8_t data[FUZZ_MAX_BYTES];
    const int faults = argc > 1 && strcmp(argv[1], "--faults") == 0;
    for (int i = 1 + faults; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file) {
            perror(argv[i]);
            return 1;
        }
        const size_t size = fread(data, 1, sizeof data, file);
        fclose(file);
        give(data, size);
        if (faults)
            give_faults(data, size);
    }
    fprintf(stdout, "%lu inputs\n", inputs);
    return 0;
}
