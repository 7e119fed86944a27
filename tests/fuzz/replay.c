/* Gives the files named on the command line to a harness, one after the other: without a fuzzer, so
 * that the seeds and the inputs of former findings are part of the ordinary tests. */
#include "fuzz.h"

int main(int argc, char **argv)
{
    static uint8_t data[FUZZ_MAX_BYTES];
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file) {
            perror(argv[i]);
            return 1;
        }
        const size_t size = fread(data, 1, sizeof data, file);
        fclose(file);
        /* In a block of its own size, so that a sanitizer sees what is read behind it. */
        uint8_t *input = malloc(size + !size);
        DEMAND(input);
        for (size_t k = 0; k < size; k++)
            input[k] = data[k];
        LLVMFuzzerTestOneInput(input, size);
        free(input);
    }
    fprintf(stdout, "%d inputs\n", argc - 1);
    return 0;
}
