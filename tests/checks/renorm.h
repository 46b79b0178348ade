/* SPDX-License-Identifier: MIT */
/* Batch renormalization from its formulas. */
#ifndef CLBN_TESTS_RENORM_H
#define CLBN_TESTS_RENORM_H

#include "bounds.h"
#include "element.h"

/* Of each channel; magnitudes are sizes of the values, and of their terms. */
struct corrections {
    struct expected r, d;
};

struct corrections reference_corrections(const struct statistics *statistics, const double *running_mean,
                                         const double *running_var, double epsilon, double r_max, double d_max);
void bound_corrections(struct arithmetic arithmetic, const struct statistics *statistics, const double *running_var,
                       double epsilon, struct corrections *corrections);
void corrections_free(struct corrections *corrections);

/* gamma * r and beta + gamma * d as the library has them: rounded to what it computes in, and to the type of parameters. gamma NULL: 1,
 * beta NULL: 0. To be freed. */
double *corrected_gamma(size_t channels, clbn_type real, clbn_type parameters, const double *gamma, const double *r);
double *corrected_beta(size_t channels, clbn_type real, clbn_type parameters, const double *gamma, const double *beta,
                       const double *d);

/* dgamma of the sums of g * xhat, which it has, and of g, both rounded to parameters with so much of a roundoff; dbeta likewise. */
void correct_gradients(struct arithmetic arithmetic, long double stored_roundoff, const double *r, const double *d,
                       struct expected *dgamma, struct expected *dbeta);

#endif
