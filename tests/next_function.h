/* SPDX-License-Identifier: MIT */
/* For what stands in the place of functions of OpenCL, and calls them. */
#ifndef CLBN_TESTS_NEXT_FUNCTION_H
#define CLBN_TESTS_NEXT_FUNCTION_H

/* Puts the next function of that name, after the caller's, into a pointer to functions; ends the program where there is none. */
void find_next_function(const char *name, void *pointer);

#endif
