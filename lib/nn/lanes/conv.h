/* conv - the functions behind the tables of nn/lanes/kernels.h, which say what they do. */
#ifndef SAM_NN_LANES_CONV_H
#define SAM_NN_LANES_CONV_H

#include "nn/lanes/kernels.h"
#include "nn/lanes/vector.h"

size_t SAM_LANES(direct_scratch)(const struct sam_arch_unit *unit);
void SAM_LANES(direct_forward)(const struct sam_arch_unit *unit, struct sam_lanes_span span,
                               const struct sam_lanes_input *input, const float *weights, float *y,
                               struct sam_lanes_moments *moments, float *scratch);
void SAM_LANES(direct_backward)(const struct sam_arch_unit *unit, struct sam_lanes_span span,
                                const struct sam_lanes_input *input,
                                const struct sam_lanes_slope *slope, const float *weights,
                                const struct sam_lanes_gradients *made, float *scratch);

size_t SAM_LANES(winograd_scratch)(const struct sam_arch_unit *unit);
void SAM_LANES(winograd_forward)(const struct sam_arch_unit *unit, struct sam_lanes_span span,
                                 const struct sam_lanes_input *input, const float *weights,
                                 float *y, struct sam_lanes_moments *moments, float *scratch);
void SAM_LANES(winograd_backward)(const struct sam_arch_unit *unit, struct sam_lanes_span span,
                                  const struct sam_lanes_input *input,
                                  const struct sam_lanes_slope *slope, const float *weights,
                                  const struct sam_lanes_gradients *made, float *scratch);
size_t SAM_LANES(winograd_weights)(const struct sam_arch_unit *unit);
void SAM_LANES(winograd_prepare)(const struct sam_arch_unit *unit, const float *weights,
                                 bool backward, int first, int end, float *transformed);

#endif
