/* SPDX-License-Identifier: MIT */
#include "mpi/failing.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

cl_int(part_fail)(cl_int status, const char *format, ...)
{
    char sentence[2 * SENTENCE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments); /* NOLINT(clang-analyzer-valist.*): it does not see va_start */
    va_end(arguments);
    clbnSetLastError(sentence);
    return status;
}

cl_int part_check_call(cl_int status, const char *function)
{
    if (status == CL_SUCCESS)
        return CLBN_SUCCESS;
    return part_fail(status, "%s failed with %s (%d).", function, clbnStatusName(status), (int)status);
}

cl_int part_check_mpi(int error, const char *function)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    if (error == MPI_SUCCESS)
        return CLBN_SUCCESS;
    MPI_Error_string(error, text, &length);
    return part_fail(CLBN_MPI_FAILED, "%s failed: %s.", function, text);
}

void part_note(struct trouble *trouble, cl_int status)
{
    if (status == CLBN_SUCCESS || trouble->status != CLBN_SUCCESS)
        return;
    trouble->status = status;
    snprintf(trouble->sentence, sizeof(trouble->sentence), "%s", clbnLastError());
}

cl_int part_tell(MPI_Comm comm, int rank, int culprit, cl_int status, const struct trouble *trouble)
{
    char sentence[SENTENCE_BYTES] = "";
    if (rank == culprit)
        memcpy(sentence, trouble->sentence, sizeof(sentence));
    cl_int told = part_check_mpi(MPI_Bcast(sentence, SENTENCE_BYTES, MPI_CHAR, culprit, comm), "MPI_Bcast");
    if (told != CLBN_SUCCESS)
        return told;
    sentence[SENTENCE_BYTES - 1] = '\0';
    return part_fail(status, "rank %d: %s", culprit, sentence);
}
