/* SPDX-License-Identifier: MIT */
#include "train/pace.h"

#include <stddef.h>

bool pace_step(struct pace *pace, cl_command_queue queue, struct failure *failure)
{
    cl_event marker = NULL;
    cl_int status = clEnqueueMarkerWithWaitList(queue, 0, NULL, &marker);

    if (status == CL_SUCCESS)
        status = clFlush(queue);
    if (status == CL_SUCCESS && pace->marker != NULL)
        status = clWaitForEvents(1, &pace->marker);
    pace_close(pace);
    pace->marker = marker;
    return status == CL_SUCCESS || fail_opencl(failure, "waiting for the device", status);
}

void pace_close(struct pace *pace)
{
    if (pace->marker != NULL)
        clReleaseEvent(pace->marker);
    pace->marker = NULL;
}
