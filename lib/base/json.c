#include "base/json.h"

#include <stdlib.h>

bool sam_json_is_text(const char *text)
{
    json_t *value = json_string(text);
    json_decref(value);
    return value != NULL;
}

/* Into a buffer of our own: json_dumps(), when memory ends while it writes a key, leaves the key
 * out and goes on (jansson 2.14). */
char *sam_json_text(const json_t *value)
{
    const size_t length = value ? json_dumpb(value, NULL, 0, JSON_COMPACT) : 0;
    char *text = length ? malloc(length + 1) : NULL;
    if (!text)
        return NULL;
    if (json_dumpb(value, text, length, JSON_COMPACT) != length) {
        free(text);
        return NULL;
    }
    text[length] = 0;
    return text;
}
