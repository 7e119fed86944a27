#include "geometry/ratio.h"

#include <math.h>
#include <stdbool.h>

#include "geometry/kernels.h"

uint8_t sam_ratio_class(double current, double perturbed)
{
    if (current == 0 || !isfinite(current) || !isfinite(perturbed))
        return SAM_RATIO_UNDEFINED;
    const bool larger = fabs(perturbed) > fabs(current);
    const bool opposite = perturbed != 0 && signbit(perturbed) != signbit(current);
    if (opposite)
        return larger ? 3 : 4;
    return larger ? 1 : 2;
}

void sam_ratio_classify(const float *current, const float *perturbed, size_t n, uint8_t *classes)
{
    sam_kernels_best()->classify_float(current, perturbed, n, classes);
}

void sam_ratio_classify_double(const double *current, const double *perturbed, size_t n,
                               uint8_t *classes)
{
    sam_kernels_best()->classify_double(current, perturbed, n, classes);
}

uint8_t sam_ratio_class_published(float current, float perturbed, float eps)
{
    const float r = perturbed / (current + eps);
    if (r > 1)
        return 1;
    if (r > 0 && r < 1)
        return 2;
    if (r < -1)
        return 3;
    if (r < 0 && r > -1)
        return 4;
    return SAM_RATIO_UNDEFINED;
}

void sam_ratio_classify_published(const float *current, const float *perturbed, size_t n, float eps,
                                  uint8_t *classes)
{
    sam_kernels_best()->classify_published(current, perturbed, n, eps, classes);
}

void sam_ratio_count(const uint8_t *classes, size_t n, uint64_t counts[SAM_RATIO_CLASSES])
{
    sam_kernels_best()->count_classes(classes, n, counts);
}
