/* SPDX-License-Identifier: MIT */
#include "io/scalar.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

const char *const scalar_type_names[] = { "uint8", "float32", "float64", "float16", "bfloat16", NULL };

/* The numbers of 16 bits: a sign, an exponent and the bits of the mantissa that are stored. */
struct format {
    int mantissa_bits;
    int least_exponent; /* of normal numbers */
};

static const struct format half = { 10, -14 };
static const struct format bfloat = { 7, -126 };

/* Of float64. */
enum { MANTISSA_BITS = 52, GREATEST_EXPONENT = 1023 };

bool scalar_big_endian(void)
{
    const uint16_t one = 1;
    unsigned char first;

    memcpy(&first, &one, 1);
    return first == 0;
}

size_t scalar_size(clbn_type type)
{
    static const size_t sizes[] = {
        [SCALAR_UINT8] = 1, [CLBN_FLOAT32] = 4, [CLBN_FLOAT64] = 8, [CLBN_FLOAT16] = 2, [CLBN_BFLOAT16] = 2,
    };

    return sizes[type];
}

double scalar_epsilon(clbn_type type)
{
    return type == CLBN_FLOAT64 ? 0x1p-52 : type == CLBN_FLOAT32 ? 0x1p-23 : type == CLBN_FLOAT16 ? 0x1p-10 : 0x1p-7;
}

clbn_type scalar_parameter_type(clbn_type type)
{
    return type == CLBN_FLOAT64 ? CLBN_FLOAT64 : CLBN_FLOAT32;
}

/* The bits of infinity, which has all ones for an exponent. */
static uint32_t infinity_bits(const struct format *format)
{
    return (uint32_t)(2 * (1 - format->least_exponent) + 1) << format->mantissa_bits;
}

/* The bits of the magnitude's nearest number, from the bits of a float64. */
static uint32_t round_magnitude(const struct format *format, uint64_t magnitude)
{
    const uint64_t implicit_one = UINT64_C(1) << MANTISSA_BITS;
    int exponent = (int)(magnitude >> MANTISSA_BITS) - GREATEST_EXPONENT;
    int above_least = exponent - format->least_exponent;
    int dropped = MANTISSA_BITS - format->mantissa_bits - (above_least < 0 ? above_least : 0);
    uint64_t mantissa = (magnitude & (implicit_one - 1)) | implicit_one;
    uint64_t rounded;

    if (exponent > -format->least_exponent + 1)
        return infinity_bits(format);
    if (dropped > MANTISSA_BITS + 1) /* less than half of the least number */
        return 0;
    rounded = (mantissa + (UINT64_C(1) << (dropped - 1)) - 1 + (mantissa >> dropped & 1)) >> dropped;
    /* The implicit one, and what rounding carries, count the exponent up; also into infinity. */
    return (uint32_t)rounded + (above_least > 0 ? (uint32_t)above_least << format->mantissa_bits : 0);
}

static uint16_t encode(const struct format *format, double value)
{
    uint64_t bits;
    uint32_t sign;

    memcpy(&bits, &value, sizeof(bits));
    sign = (uint32_t)(bits >> 48) & 0x8000;
    if (isnan(value))
        return (uint16_t)(sign | infinity_bits(format) | 1u << (format->mantissa_bits - 1));
    return (uint16_t)(sign | round_magnitude(format, bits & ~(UINT64_C(1) << 63)));
}

static double decode(const struct format *format, uint16_t bits)
{
    uint32_t magnitude = bits & 0x7fffu;
    int exponent = (int)(magnitude >> format->mantissa_bits);
    uint32_t one = 1u << format->mantissa_bits;
    uint32_t mantissa = magnitude & (one - 1);
    double value;

    if (magnitude >= infinity_bits(format))
        value = mantissa != 0 ? (double)NAN : (double)INFINITY;
    else if (exponent == 0)
        value = ldexp(mantissa, format->least_exponent - format->mantissa_bits);
    else
        value = ldexp(mantissa + one, exponent - 1 + format->least_exponent - format->mantissa_bits);
    return (bits & 0x8000u) != 0 ? -value : value;
}

double scalar_get(clbn_type type, const void *elements, size_t i)
{
    if (type == CLBN_FLOAT64)
        return ((const double *)elements)[i];
    if (type == CLBN_FLOAT32)
        return (double)((const float *)elements)[i];
    return decode(type == CLBN_FLOAT16 ? &half : &bfloat, ((const uint16_t *)elements)[i]);
}

void scalar_set(clbn_type type, void *elements, size_t i, double value)
{
    if (type == CLBN_FLOAT64)
        ((double *)elements)[i] = value;
    else if (type == CLBN_FLOAT32)
        ((float *)elements)[i] = (float)value;
    else
        ((uint16_t *)elements)[i] = encode(type == CLBN_FLOAT16 ? &half : &bfloat, value);
}
