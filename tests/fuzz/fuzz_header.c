/* The header of a record, without the length before it, which would hide it from a fuzzer. Checked:
 * what is accepted tiles the data, and each tensor of a parameter is in one pair, with a partner of
 * its shape and dtype; and what is kept for the next record is what follows the metadata, whatever
 * these are. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "stream/pairs.h"

static void check_header(const struct sam_header *header)
{
    uint64_t end = 0;
    for (size_t i = 0; i < header->tensor_count; i++) {
        const struct sam_tensor *tensor = &header->tensors[i];
        const size_t size = sam_dtype_size(tensor->dtype);
        DEMAND(tensor->begin == end && tensor->end >= end);
        DEMAND(size == 0 || tensor->count * size == tensor->end - tensor->begin);
        DEMAND(tensor->ndim >= 0 && tensor->ndim <= SAM_SAFETENSORS_MAX_DIMS);
        end = tensor->end;
    }
    DEMAND(header->data_bytes == end);
}

static size_t count_parts(const struct sam_header *header)
{
    static const char *const prefixes[] = {"current/", "perturbed/", "class/"};
    size_t parts = 0;
    for (size_t i = 0; i < header->tensor_count; i++)
        for (int k = 0; k < 3; k++)
            parts += strncmp(header->tensors[i].name, prefixes[k], strlen(prefixes[k])) == 0;
    return parts;
}

static void check_pairs(const struct sam_header *header, const struct sam_pair *pairs, size_t count)
{
    size_t parts = 0;
    for (size_t i = 0; i < count; i++) {
        const struct sam_pair *pair = &pairs[i];
        DEMAND(i == 0 || sam_pair_last(&pairs[i - 1]) < sam_pair_last(pair));
        DEMAND(pair->kind >= 0 && pair->kind < SAM_KINDS);
        parts += pair->classes ? 1 : 2;
        if (pair->classes) {
            DEMAND(pair->current->dtype == SAM_U8 && !pair->perturbed);
            continue;
        }
        DEMAND(sam_dtype_is_gradient(pair->current->dtype));
        DEMAND(pair->perturbed->dtype == pair->current->dtype);
        DEMAND(pair->perturbed->count == pair->count && pair->current->count == pair->count);
        DEMAND(strcmp(pair->current->name + strlen("current/"), pair->name) == 0);
        DEMAND(strcmp(pair->perturbed->name + strlen("perturbed/"), pair->name) == 0);
    }
    DEMAND(parts == count_parts(header));
}

static void check_same_tensors(const struct sam_header *a, const struct sam_header *b)
{
    DEMAND(a->tensor_count == b->tensor_count && a->data_bytes == b->data_bytes);
    for (size_t i = 0; i < a->tensor_count; i++) {
        DEMAND(strcmp(a->tensors[i].name, b->tensors[i].name) == 0);
        DEMAND(a->tensors[i].begin == b->tensors[i].begin);
        DEMAND(a->tensors[i].count == b->tensors[i].count);
    }
}

/* The header with other metadata: parsed after it, and by itself. */
static void check_repetition(struct sam_header *header)
{
    static const char front[] = "{\"__metadata__\":{\"step\":\"}\"}";
    const size_t length = sizeof front - 1 + header->layout_length;
    struct sam_header alone = {0};
    struct sam_error error;
    char *json = malloc(length);
    DEMAND(json);
    memcpy(json, front, sizeof front - 1);
    memcpy(json + sizeof front - 1, header->layout, header->layout_length);
    DEMAND(sam_header_parse(json, length, &alone, &error) == 0 && !alone.repeated);
    check_same_tensors(&alone, header);
    DEMAND(sam_header_parse(json, length, header, &error) == 0 && header->repeated);
    check_same_tensors(&alone, header);
    DEMAND(header->meta_count == 1 && strcmp(header->meta[0].value, "}") == 0);
    sam_header_free(&alone);
    free(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sam_header header = {0};
    struct sam_pair *pairs;
    struct sam_error error = {.text = ""};
    size_t count;
    if (sam_header_parse((const char *)data, size, &header, &error)) {
        DEMAND(error.text[0] != '\0' && error.status == SAM_FAILED);
        return 0;
    }
    check_header(&header);
    if (sam_pairs_find(&header, &pairs, &count, &error) == 0) {
        DEMAND(count > 0);
        check_pairs(&header, pairs, count);
        free(pairs);
    }
    if (header.layout)
        check_repetition(&header);
    sam_header_free(&header);
    return 0;
}
