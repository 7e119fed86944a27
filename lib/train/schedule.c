#include "train/schedule.h"

#include <math.h>

double sam_schedule_rate(enum sam_schedule schedule, double rate, uint32_t epoch, uint32_t epochs)
{
    if (schedule == SAM_SCHEDULE_CONSTANT)
        return rate;
    if (epoch > epochs)
        return 0;
    return rate * 0.5 * (1 + cos(M_PI * (double)(epoch - 1) / (double)epochs));
}
