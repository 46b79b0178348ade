/* SPDX-License-Identifier: MIT */
/*
 * y = activate(a), and the gradient with respect to a from the one with respect to y: from a, from y, or from a bit for each
 * element. Comparisons are such that NaN stays NaN. alpha is the leaky slope, or ELU's alpha.
 */
INLINE realv activate(realv a, real alpha)
{
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_RELU)
        return a < 0 ? (realv)0 : a;
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_LEAKY_RELU)
        return a < 0 ? a * alpha : a;
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_RELU6)
        return a < 0 ? (realv)0 : (a > 6 ? (realv)6 : a);
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_TANH)
        return tanh(a);
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_ELU)
        return a < 0 ? alpha * expm1(a) : a;
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_NONE)
        return a;
    realv decay = exp(-fabs(a)); /* cannot overflow */
    realv sigmoid = (a < 0 ? decay : (realv)1) / (1 + decay);
    return CLBN_ACTIVATION == CLBN_ACTIVATION_SILU ? a * sigmoid : sigmoid;
}

/* The gradient where the slope is 1 or one other, which is alpha or 0: infinite gradients do not pass a slope of 0. */
INLINE realv gradient_below(realv dy, real alpha)
{
    return CLBN_ACTIVATION == CLBN_ACTIVATION_LEAKY_RELU && alpha != 0 ? dy * alpha : (realv)0;
}

INLINE realv gradient_from_input(realv dy, realv a, real alpha)
{
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_RELU)
        return a <= 0 ? (realv)0 : dy;
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_LEAKY_RELU)
        return a <= 0 ? gradient_below(dy, alpha) : dy;
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_RELU6)
        return a <= 0 || a >= 6 ? (realv)0 : dy;
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_ELU)
        return a <= 0 ? dy * (alpha * exp(a)) : dy;
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_NONE)
        return dy;
    realv decay = exp(-fabs(a) * (CLBN_ACTIVATION == CLBN_ACTIVATION_TANH ? 2 : 1));
    realv slope = decay / ((1 + decay) * (1 + decay));
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_TANH)
        return dy * (4 * slope);
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_SIGMOID)
        return dy * slope;
    realv sigmoid = (a < 0 ? decay : (realv)1) / (1 + decay);
    return dy * fma(a, slope, sigmoid);
}

/* Not for SiLU. */
INLINE realv gradient_from_output(realv dy, realv y, real alpha)
{
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_RELU)
        return y <= 0 ? (realv)0 : dy;
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_LEAKY_RELU)
        return y <= 0 ? gradient_below(dy, alpha) : dy;
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_RELU6)
        return y <= 0 || y >= 6 ? (realv)0 : dy;
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_ELU)
        return y <= 0 ? dy * (y + alpha) : dy;
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_SIGMOID)
        return dy * (y * (1 - y));
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_TANH)
        return dy * ((1 - y) * (1 + y));
    return dy;
}

/* a from y, where that is possible. What ELU has rounded to -alpha is taken for the number next to it. */
INLINE realv input_of_activation(realv y, real alpha)
{
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_LEAKY_RELU)
        return y < 0 ? y / alpha : y;
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_ELU) {
        realv decay = y / alpha;
        return y < 0 ? log1p(decay < ABOVE_MINUS_1 ? (realv)ABOVE_MINUS_1 : decay) : y;
    }
    return y;
}

/*
 * A mask has a bit for each element, where the slope is 1. The bits of a vector are a unit of one or two bytes; a row of
 * elements begins with a unit of its own, so that no two work-items write to one.
 */
#define MASK_BYTES ((CLBN_VECTOR + 7) / 8)

/* The bits of a vector, of what the activation takes. */
INLINE uint mask_bits(realv a)
{
    truthv is_off = a <= 0;
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_RELU6)
        is_off |= a >= 6;
    return (uint)or_of_vector(bits_of_elements() & ~convert_intv(is_off));
}

INLINE void store_mask_unit(__global uchar *mask, ulong unit, uint bits)
{
    for (uint i = 0; i < MASK_BYTES; i++)
        mask[unit * MASK_BYTES + i] = (uchar)(bits >> (8 * i));
}

/* The bits of elements begin to end of a vector, as the first ones of a unit. */
INLINE void store_mask(__global uchar *mask, ulong unit, realv a, uint begin, uint end)
{
    store_mask_unit(mask, unit, (mask_bits(a) & ((1u << end) - 1)) >> begin);
}

INLINE uint load_mask_unit(__global const uchar *mask, ulong unit)
{
    uint bits = 0;
    for (uint i = 0; i < MASK_BYTES; i++)
        bits |= (uint)mask[unit * MASK_BYTES + i] << (8 * i);
    return bits;
}

/* The bits of width elements from number first of the row that begins with a unit. */
INLINE uint load_mask(__global const uchar *mask, ulong row_unit, index_t first, uint width)
{
    ulong unit = row_unit + first / CLBN_VECTOR;
    uint skipped = first % CLBN_VECTOR;
    uint bits = load_mask_unit(mask, unit) >> skipped;
    if (skipped + width > CLBN_VECTOR)
        bits |= load_mask_unit(mask, unit + 1) << (CLBN_VECTOR - skipped);
    return bits;
}

INLINE realv gradient_from_mask(realv dy, uint bits, real alpha)
{
    const truthv is_on = convert_truthv((bits_of_elements() & (intv)(int)bits) != 0);
    return is_on ? dy : gradient_below(dy, alpha);
}
