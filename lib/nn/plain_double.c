/* plain_double - the plain engine's sources once more, in double precision: see plain_real.h. */
#define SAM_PLAIN_DOUBLE
#include "nn/plain.c"
#include "nn/plain_conv.c"
#include "nn/plain_linear.c"
#include "nn/plain_network.c"
#include "nn/plain_norm.c"
#include "nn/plain_pool.c"
