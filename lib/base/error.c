#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int sam_error_set(struct sam_error *error, enum sam_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error->status = status;
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return -1;
}

int sam_error_errno(struct sam_error *error, const char *format, ...)
{
    int cause = errno;
    va_list arguments;
    va_start(arguments, format);
    error->status = SAM_FAILED;
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);

    size_t length = strlen(error->text);
    snprintf(error->text + length, sizeof error->text - length, ": %s", strerror(cause));
    return -1;
}
