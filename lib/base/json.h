/* json - JSON as text. */
#ifndef SAM_BASE_JSON_H
#define SAM_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>

/* The value on one line without spaces, members in the order they were added; the caller frees.
 * NULL if there is no memory, or `value` is NULL, which is what jansson makes then. */
char *sam_json_text(const json_t *value);

/* Whether a string can stand in JSON: whether it is UTF-8. */
bool sam_json_is_text(const char *text);

#endif
