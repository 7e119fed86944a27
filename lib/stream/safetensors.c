#include "stream/safetensors.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Tensor data are little-endian in the format and are used here as they come. */
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "this code is for little-endian machines"
#endif

/* The element types of the format; what is not a gradient or a class is only measured. */
static const struct dtype {
    const char *name;
    enum sam_dtype dtype;
    size_t size;
} dtypes[] = {
    {"F64", SAM_F64, 8},       {"F32", SAM_F32, 4},       {"F16", SAM_F16, 2},
    {"BF16", SAM_BF16, 2},     {"U8", SAM_U8, 1},         {"BOOL", SAM_OTHER, 1},
    {"I8", SAM_OTHER, 1},      {"I16", SAM_OTHER, 2},     {"U16", SAM_OTHER, 2},
    {"I32", SAM_OTHER, 4},     {"U32", SAM_OTHER, 4},     {"I64", SAM_OTHER, 8},
    {"U64", SAM_OTHER, 8},     {"C64", SAM_OTHER, 8},     {"F8_E4M3", SAM_OTHER, 1},
    {"F8_E5M2", SAM_OTHER, 1}, {"F8_E8M0", SAM_OTHER, 1},
};
enum { DTYPES = sizeof dtypes / sizeof *dtypes };

size_t sam_dtype_size(enum sam_dtype dtype)
{
    return dtype == SAM_OTHER ? 0 : dtypes[dtype].size;
}

const char *sam_dtype_name(enum sam_dtype dtype)
{
    return dtype == SAM_OTHER ? "other" : dtypes[dtype].name;
}

bool sam_dtype_is_gradient(enum sam_dtype dtype)
{
    return dtype == SAM_F64 || dtype == SAM_F32 || dtype == SAM_F16 || dtype == SAM_BF16;
}

void sam_tensor_shape(int ndim, const uint64_t *shape, char text[SAM_TENSOR_SHAPE])
{
    size_t length = 1;
    strcpy(text, "(");
    for (int i = 0; i < ndim; i++)
        length += (size_t)snprintf(text + length, SAM_TENSOR_SHAPE - length, "%s%" PRIu64,
                                   i > 0 ? ", " : "", shape[i]);
    strcpy(text + length, ")");
}

static int parse_dtype(const json_t *value, struct sam_tensor *tensor, size_t *size,
                       struct sam_error *error)
{
    const char *text = json_string_value(value);
    if (!text)
        return sam_error_set(error, SAM_FAILED, "no dtype, wanted a string");
    strncat(tensor->dtype_text, text, sizeof tensor->dtype_text - 1);
    tensor->dtype = SAM_OTHER;
    *size = 0;
    for (size_t i = 0; i < DTYPES; i++)
        if (strcmp(dtypes[i].name, text) == 0) {
            tensor->dtype = dtypes[i].dtype;
            *size = dtypes[i].size;
        }
    return 0;
}

static int parse_natural(const json_t *value, const char *what, uint64_t *number,
                         struct sam_error *error)
{
    if (!json_is_integer(value))
        return sam_error_set(error, SAM_FAILED, "%s is no integer below 2^63, wanted one", what);
    if (json_integer_value(value) < 0)
        return sam_error_set(error, SAM_FAILED, "%s is %" JSON_INTEGER_FORMAT ", wanted 0 or more",
                             what, json_integer_value(value));
    *number = (uint64_t)json_integer_value(value);
    return 0;
}

static int parse_shape(const json_t *value, struct sam_tensor *tensor, struct sam_error *error)
{
    if (!json_is_array(value))
        return sam_error_set(error, SAM_FAILED, "no shape, wanted a list of whole numbers");
    if (json_array_size(value) > SAM_SAFETENSORS_MAX_DIMS)
        return sam_error_set(error, SAM_FAILED, "%zu dimensions, wanted at most %d",
                             json_array_size(value), SAM_SAFETENSORS_MAX_DIMS);
    tensor->ndim = (int)json_array_size(value);
    tensor->count = 1;
    for (int i = 0; i < tensor->ndim; i++) {
        if (parse_natural(json_array_get(value, (size_t)i), "a size in the shape",
                          &tensor->shape[i], error))
            return -1;
        if (__builtin_mul_overflow(tensor->count, tensor->shape[i], &tensor->count))
            return sam_error_set(error, SAM_FAILED,
                                 "the product of the shape overflows at size %" PRIu64
                                 ", wanted at most 2^64 - 1",
                                 tensor->shape[i]);
    }
    return 0;
}

static int parse_offsets(const json_t *value, struct sam_tensor *tensor, struct sam_error *error)
{
    if (json_array_size(value) != 2) /* 0 for what is not an array */
        return sam_error_set(error, SAM_FAILED, "no data_offsets, wanted [BEGIN, END]");
    if (parse_natural(json_array_get(value, 0), "BEGIN of data_offsets", &tensor->begin, error) ||
        parse_natural(json_array_get(value, 1), "END of data_offsets", &tensor->end, error))
        return -1;
    if (tensor->begin > tensor->end)
        return sam_error_set(error, SAM_FAILED,
                             "data_offsets [%" PRIu64 ", %" PRIu64 "], wanted BEGIN <= END",
                             tensor->begin, tensor->end);
    return 0;
}

static int parse_entry(const json_t *entry, struct sam_tensor *tensor, struct sam_error *error)
{
    size_t size = 0;
    uint64_t bytes;
    if (!json_is_object(entry))
        return sam_error_set(error, SAM_FAILED, "its entry is no JSON object, wanted one");
    if (parse_dtype(json_object_get(entry, "dtype"), tensor, &size, error) ||
        parse_shape(json_object_get(entry, "shape"), tensor, error) ||
        parse_offsets(json_object_get(entry, "data_offsets"), tensor, error))
        return -1;
    if (size == 0) /* a type that is newer than this code: its bytes are passed over */
        return 0;
    if (__builtin_mul_overflow(tensor->count, size, &bytes))
        return sam_error_set(error, SAM_FAILED,
                             "%" PRIu64 " elements of %zu bytes overflow, wanted at most 2^64 - 1",
                             tensor->count, size);
    if (bytes != tensor->end - tensor->begin)
        return sam_error_set(error, SAM_FAILED,
                             "%" PRIu64 " bytes by its data_offsets, wanted %" PRIu64
                             " by its shape and dtype %s",
                             tensor->end - tensor->begin, bytes, tensor->dtype_text);
    return 0;
}

static int parse_tensor(const char *name, const json_t *entry, struct sam_tensor *tensor,
                        struct sam_error *error)
{
    struct sam_error cause;
    tensor->name = sam_memory_string(name, error);
    if (!tensor->name)
        return -1;
    if (parse_entry(entry, tensor, &cause))
        return sam_error_set(error, cause.status, "tensor '%.128s': %s", name, cause.text);
    return 0;
}

static int parse_meta(json_t *entries, struct sam_header *header, struct sam_error *error)
{
    const char *key;
    json_t *value;
    if (json_is_null(entries)) /* as good as left out, to the format's own library too */
        return 0;
    if (!json_is_object(entries))
        return sam_error_set(error, SAM_FAILED, "__metadata__ is no JSON object, wanted one");
    header->meta = sam_memory_new(json_object_size(entries), sizeof *header->meta, error);
    if (!header->meta)
        return -1;
    json_object_foreach(entries, key, value)
    {
        if (!json_is_string(value))
            return sam_error_set(error, SAM_FAILED,
                                 "__metadata__: the value of '%.128s' is no string, wanted one",
                                 key);
        struct sam_meta *meta = &header->meta[header->meta_count++];
        meta->key = sam_memory_string(key, error);
        meta->value = sam_memory_string(json_string_value(value), error);
        if (!meta->key || !meta->value)
            return -1;
    }
    return 0;
}

/* By place in the data; tensors without bytes, which may share a place, by name. */
static int compare_places(const void *left, const void *right)
{
    const struct sam_tensor *a = left, *b = right;
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    if (a->end != b->end)
        return a->end < b->end ? -1 : 1;
    return strcmp(a->name, b->name);
}

/* The data section is tiled by the tensors: no hole, no byte of two tensors. */
static int check_tiling(struct sam_header *header, struct sam_error *error)
{
    uint64_t end = 0;
    qsort(header->tensors, header->tensor_count, sizeof *header->tensors, compare_places);
    for (size_t i = 0; i < header->tensor_count; i++) {
        const struct sam_tensor *tensor = &header->tensors[i];
        if (tensor->begin != end)
            return sam_error_set(error, SAM_FAILED,
                                 "tensor '%.128s': its data begin at byte %" PRIu64
                                 ", wanted %" PRIu64 ": %s",
                                 tensor->name, tensor->begin, end,
                                 tensor->begin > end ? "a hole before them"
                                                     : "they overlap those of another tensor");
        end = tensor->end;
    }
    header->data_bytes = end;
    return 0;
}

static int parse_root(json_t *root, struct sam_header *header, struct sam_error *error)
{
    const char *key;
    json_t *value;
    header->tensors = sam_memory_new(json_object_size(root), sizeof *header->tensors, error);
    if (!header->tensors)
        return -1;
    json_object_foreach(root, key, value)
    {
        if (strcmp(key, "__metadata__") == 0) {
            if (parse_meta(value, header, error))
                return -1;
        } else if (parse_tensor(key, value, &header->tensors[header->tensor_count++], error)) {
            return -1;
        }
    }
    return check_tiling(header, error);
}

static int parse_whole(const char *json, size_t length, struct sam_header *header,
                       struct sam_error *error)
{
    json_error_t cause;
    if (length == 0 || json[0] != '{')
        return sam_error_set(error, SAM_FAILED,
                             length ? "the header begins with byte 0x%02x, wanted '{'"
                                    : "the header is empty, wanted '{'",
                             length ? (unsigned char)json[0] : 0);
    json_t *root = json_loadb(json, length, JSON_REJECT_DUPLICATES, &cause);
    if (!root)
        return sam_error_set(error, SAM_FAILED,
                             "the header is not JSON at its byte %d, wanted that: %s",
                             cause.position, cause.text);
    const int status = parse_root(root, header, error);
    json_decref(root);
    return status;
}

/* --- A header like the one before ---------------------------------------------------------------
 * The records of a stream differ in their metadata, and hardly ever in their tensors. */

/* How much of the header its metadata are, where it begins with them, without the key that follows;
 * else 0. *meta: the metadata, for json_decref(). */
static size_t parse_front(const char *json, size_t length, json_t **meta)
{
    static const char key[] = "{\"__metadata__\":";
    const size_t begin = sizeof key - 1;
    json_error_t end;
    *meta = NULL;
    if (length < begin || memcmp(json, key, begin) != 0)
        return 0;
    *meta = json_loadb(json + begin, length - begin,
                       JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &end);
    return *meta ? begin + (size_t)end.position : 0;
}

/* Without the spaces that pad a header. */
static size_t trimmed(const char *json, size_t length)
{
    while (length > 0 && json[length - 1] == ' ')
        length--;
    return length;
}

static bool has_layout(const struct sam_header *header, const char *text, size_t length)
{
    return header->layout && header->layout_length == length &&
           memcmp(header->layout, text, length) == 0;
}

static int keep_layout(struct sam_header *header, const char *text, size_t length,
                       struct sam_error *error)
{
    header->layout = sam_memory_new(length, 1, error);
    if (!header->layout)
        return -1;
    memcpy(header->layout, text, length);
    header->layout_length = length;
    return 0;
}

static void free_meta(struct sam_header *header)
{
    for (size_t i = 0; i < header->meta_count; i++) {
        free(header->meta[i].key);
        free(header->meta[i].value);
    }
    free(header->meta);
    header->meta = NULL;
    header->meta_count = 0;
}

int sam_header_parse(const char *json, size_t length, struct sam_header *header,
                     struct sam_error *error)
{
    json_t *meta;
    const size_t front = parse_front(json, length, &meta);
    const size_t rest = trimmed(json, length) - front;
    const bool repeated = front > 0 && has_layout(header, json + front, rest);
    int status;
    if (repeated) {
        free_meta(header);
        status = parse_meta(meta, header, error);
    } else {
        sam_header_free(header);
        status = parse_whole(json, length, header, error);
        if (!status && front > 0)
            status = keep_layout(header, json + front, rest, error);
    }
    json_decref(meta);
    header->repeated = repeated;
    if (status)
        sam_header_free(header);
    return status;
}

void sam_header_free(struct sam_header *header)
{
    for (size_t i = 0; i < header->tensor_count; i++)
        free(header->tensors[i].name);
    free_meta(header);
    free(header->tensors);
    free(header->layout);
    *header = (struct sam_header){0};
}

const char *sam_header_meta(const struct sam_header *header, const char *key)
{
    for (size_t i = 0; i < header->meta_count; i++)
        if (strcmp(header->meta[i].key, key) == 0)
            return header->meta[i].value;
    return NULL;
}
