/* number - numbers and lists typed on a command line, read strictly: the whole text is one number,
 * within its range, or the error says what was seen and what was wanted. And numbers as text. */
#ifndef SAM_BASE_NUMBER_H
#define SAM_BASE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* `name` is how the message calls the value ("--rho"). Errors have status SAM_USAGE. */
int sam_number_count(const char *name, const char *text, uint64_t least, uint64_t most,
                     uint64_t *value, struct sam_error *error);
int sam_number_int(const char *name, const char *text, int least, int most, int *value,
                   struct sam_error *error);

/* A finite number, least <= value <= most. */
int sam_number_double(const char *name, const char *text, double least, double most, double *value,
                      struct sam_error *error);

/* A comma-separated list. With `infinity`, "inf" is accepted as an item. The caller frees *values
 * (count). An empty list is an error. */
int sam_number_list(const char *name, const char *text, int infinity, double **values,
                    size_t *count, struct sam_error *error);

/* Writes the shortest of %.15g, %.16g, %.17g that reads back the same; "nan", "inf", "-inf". */
enum { SAM_NUMBER_TEXT = 32 };
void sam_number_text(double value, char text[SAM_NUMBER_TEXT]);

#endif
