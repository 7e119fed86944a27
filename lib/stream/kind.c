#include "stream/kind.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static const char *const names[SAM_KINDS] = {
    "conv", "norm-weight", "norm-bias", "linear-weight", "linear-bias", "other",
};

const char *sam_kind_name(enum sam_kind kind)
{
    return names[kind];
}

/* The last part of the name is `word`, or ends in _`word` ("in_proj_bias"). */
static bool ends_in(const char *name, const char *word)
{
    const size_t length = strlen(name), tail = strlen(word);
    if (length < tail || strcmp(name + length - tail, word) != 0)
        return false;
    return length == tail || name[length - tail - 1] == '.' || name[length - tail - 1] == '_';
}

bool sam_kind_is_bias(const char *name)
{
    return ends_in(name, "bias");
}

/* The part of the name before the last: "bn1" of "layer1.0.bn1.weight". */
static size_t layer_part(const char *name, const char **part)
{
    const char *end = strrchr(name, '.');
    *part = end ? end : name;
    while (*part > name && (*part)[-1] != '.')
        (*part)--;
    return end ? (size_t)(end - *part) : 0;
}

/* An embedding by its name: a word that begins with "emb", or GPT-2's two. */
static bool layer_is_embedding(const char *name)
{
    const char *part;
    const size_t length = layer_part(name, &part);
    for (size_t i = 0; i + 3 <= length; i++) {
        const bool begins = i == 0 || !isalpha((unsigned char)part[i - 1]) || part[i] == 'E';
        if (begins && strncasecmp(part + i, "emb", 3) == 0)
            return true;
    }
    return length == 3 && (strncmp(part, "wte", 3) == 0 || strncmp(part, "wpe", 3) == 0);
}

static bool layer_has(const char *name, const char *word)
{
    const char *part;
    const size_t length = layer_part(name, &part), wanted = strlen(word);
    for (size_t i = 0; i + wanted <= length; i++)
        if (strncasecmp(part + i, word, wanted) == 0)
            return true;
    return false;
}

/* Ends in a ResNet's batch norm without a name of its own, the second layer of a shortcut. */
static bool is_shortcut_norm(const char *part, const char *name)
{
    static const char *const shortcuts[] = {"shortcut.", "downsample."};
    for (size_t i = 0; i < sizeof shortcuts / sizeof *shortcuts; i++) {
        const size_t length = strlen(shortcuts[i]);
        if ((size_t)(part - name) >= length && strncmp(part - length, shortcuts[i], length) == 0 &&
            strncmp(part, "1.", 2) == 0)
            return true;
    }
    return false;
}

static bool layer_is_norm(const char *name)
{
    static const char *const shorthands[] = {"bn", "ln", "gn"};
    const char *part;
    size_t length = layer_part(name, &part);
    if (layer_has(name, "norm") || is_shortcut_norm(part, name))
        return true;
    while (length > 0 && (isdigit((unsigned char)part[length - 1]) || part[length - 1] == '_'))
        length--;
    for (size_t i = 0; i < sizeof shorthands / sizeof *shorthands; i++)
        if (length >= 2 && strncasecmp(part + length - 2, shorthands[i], 2) == 0 &&
            (length == 2 || part[length - 3] == '_'))
            return true;
    return false;
}

static enum sam_kind bias_kind(const char *name, int weight_ndim)
{
    switch (weight_ndim) {
    case 1:
        return SAM_KIND_NORM_BIAS;
    case 2:
        return SAM_KIND_LINEAR_BIAS;
    case -1:
        if (layer_has(name, "conv"))
            return SAM_KIND_OTHER;
        return layer_is_norm(name) ? SAM_KIND_NORM_BIAS : SAM_KIND_LINEAR_BIAS;
    default:
        return SAM_KIND_OTHER;
    }
}

enum sam_kind sam_kind_of(const char *name, int ndim, int weight_ndim)
{
    if (sam_kind_is_bias(name))
        return ndim == 1 ? bias_kind(name, weight_ndim) : SAM_KIND_OTHER;
    if (!ends_in(name, "weight") || (ndim > 1 && layer_is_embedding(name)))
        return SAM_KIND_OTHER;
    switch (ndim) {
    case 0:
        return SAM_KIND_OTHER;
    case 1:
        return SAM_KIND_NORM_WEIGHT;
    case 2:
        return SAM_KIND_LINEAR_WEIGHT;
    default:
        return SAM_KIND_CONV;
    }
}

int sam_kind_compare_weight(const char *bias, const char *name)
{
    const size_t stem = strlen(bias) - strlen("bias");
    const int order = strncmp(bias, name, stem);
    return order ? order : strcmp("weight", name + stem);
}
