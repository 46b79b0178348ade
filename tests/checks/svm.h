/* SPDX-License-Identifier: MIT */
/* Shared virtual memory, of OpenCL 2.0 and later. */
#ifndef CLBN_TESTS_SVM_H
#define CLBN_TESTS_SVM_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the test device has it; if not, a line on stdout says, once, that it is not tested. */
bool device_has_svm(void);

/* Memory in the tests' context. */
void *svm_create(size_t bytes);
void svm_read(void *svm, unsigned char *contents, size_t bytes);
void svm_write(void *svm, const unsigned char *contents, size_t bytes);
void svm_release(void *svm);

#endif
