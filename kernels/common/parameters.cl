/* SPDX-License-Identifier: MIT */
/*
 * Parameters that many kernels have, in the order in which the library passes them (host/enqueue), and the structs that they give.
 * A memory object is followed by where in it a view begins, a tensor's by how it lies there.
 */
#define MEMORY(type, name) __global type *name, ulong name##_offset
#define TENSOR(name) __global const storage *name, layout name##_at
#define RESULT(name) __global storage *name, layout name##_at
#define EPSILON real epsilon_high, real epsilon_low
#define AFFINE_PARAMETERS MEMORY(const parameter, gamma), MEMORY(const parameter, beta)

#define FORWARD_TENSORS division d, TENSOR(x), TENSOR(z), RESULT(y), MEMORY(uchar, mask)
#define GIVEN_FORWARD_TENSORS                                                                                          \
    { { x + x_at.offset, x_at }, { z + z_at.offset, z_at }, { y + y_at.offset, y_at }, mask + mask_offset, alpha, flags }

/* Of all that finalizes statistics, and of inference. */
#define STATISTICS_PARAMETERS                                                                                          \
    AFFINE_PARAMETERS, MEMORY(parameter, running_mean), MEMORY(parameter, running_var), MEMORY(real, save_mean),                 \
        MEMORY(real, save_invstd), MEMORY(real, save_var), EPSILON, real factor_high, real factor_low
#define GIVEN_STATISTICS                                                                                               \
    { gamma + gamma_offset,         beta + beta_offset,           running_mean + running_mean_offset,                  \
      running_var + running_var_offset, save_mean + save_mean_offset, save_invstd + save_invstd_offset,                \
      save_var + save_var_offset, wide_of_parts(epsilon_high, epsilon_low), wide_of_parts(factor_high, factor_low), flags }
#define RUNNING_PARAMETERS AFFINE_PARAMETERS, MEMORY(const parameter, running_mean), MEMORY(const parameter, running_var), EPSILON
#define GIVEN_RUNNING                                                                                                  \
    gamma + gamma_offset, beta + beta_offset, running_mean + running_mean_offset, running_var + running_var_offset,    \
        wide_of_parts(epsilon_high, epsilon_low)

#define BACKWARD_INPUTS division d, TENSOR(x), TENSOR(dy), TENSOR(other), MEMORY(const uchar, mask)
#define BACKWARD_TENSORS BACKWARD_INPUTS, RESULT(dx), real dx_factor, RESULT(dz)
#define GIVEN_BACKWARD_INPUTS                                                                                          \
    { { x + x_at.offset, x_at }, { dy + dy_at.offset, dy_at }, { other + other_at.offset, other_at }, { 0, x_at },     \
      { 0, x_at }, mask + mask_offset, alpha, 0, flags, x != 0, false }
#define GIVEN_BACKWARD_TENSORS                                                                                         \
    { { x + x_at.offset, x_at }, { dy + dy_at.offset, dy_at }, { other + other_at.offset, other_at },                  \
      { dx + dx_at.offset, dx_at }, { dz + dz_at.offset, dz_at }, mask + mask_offset, alpha, dx_factor, flags, x != 0, dx != 0 }

#define BACKWARD_PARAMETERS AFFINE_PARAMETERS, MEMORY(const uchar, mean), MEMORY(const uchar, deviation)
#define PARAMETER_GRADIENTS MEMORY(parameter, dgamma), real dgamma_factor, MEMORY(parameter, dbeta), real dbeta_factor
#define GIVEN_PARAMETER_GRADIENTS { dgamma + dgamma_offset, dbeta + dbeta_offset, dgamma_factor, dbeta_factor }
#define GIVEN_BACKWARD_PARAMETERS                                                                                      \
    { gamma + gamma_offset, beta + beta_offset, { mean, mean_offset }, { deviation, deviation_offset },                      \
      wide_of_parts(epsilon_high, epsilon_low), flags }
