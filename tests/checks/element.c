/* SPDX-License-Identifier: MIT */
#include "element.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

struct format {
    const char *name;
    size_t size;
    int mantissa_bits;  /* stored ones */
    int least_exponent; /* of normal numbers */
    int greatest_exponent;
    double epsilon, least, greatest; /* what follows from these, at hand: all elements ask for it */
};

static const struct format formats[] = {
    [BYTES] = { "bytes", 1, 0, 0, 0, 1, 1, 1 },
    [CLBN_FLOAT32] = { "float32", 4, 23, -126, 127, FLT_EPSILON, FLT_MIN, FLT_MAX },
    [CLBN_FLOAT64] = { "float64", 8, 52, -1022, 1023, DBL_EPSILON, DBL_MIN, DBL_MAX },
    [CLBN_FLOAT16] = { "float16", 2, 10, -14, 15, 0x1p-10, 0x1p-14, 0x1.ffcp15 },
    [CLBN_BFLOAT16] = { "bfloat16", 2, 7, -126, 127, 0x1p-7, 0x1p-126, 0x1.fep127 },
};

clbn_type parameter_type(clbn_type type)
{
    return type == CLBN_FLOAT64 ? CLBN_FLOAT64 : CLBN_FLOAT32;
}

const char *type_name(clbn_type type)
{
    return formats[type].name;
}

size_t element_size(clbn_type type)
{
    return formats[type].size;
}

double type_epsilon(clbn_type type)
{
    return formats[type].epsilon;
}

double type_greatest(clbn_type type)
{
    return formats[type].greatest;
}

double type_least(clbn_type type)
{
    return formats[type].least;
}

double rounded_to(clbn_type type, double value)
{
    const struct format *format = &formats[type];
    if (type == CLBN_FLOAT64 || isnan(value) || isinf(value) || fpclassify(value) == FP_ZERO)
        return value;
    if (type == CLBN_FLOAT32)
        return (float)value;
    int exponent = ilogb(value) > format->least_exponent ? ilogb(value) : format->least_exponent;
    double ulp = ldexp(1, exponent - format->mantissa_bits);
    double rounded = nearbyint(value / ulp) * ulp;
    return fabs(rounded) > type_greatest(type) ? copysign(HUGE_VAL, value) : rounded;
}

/* The bits of a 16-bit number without its sign. */
static uint16_t magnitude_bits(const struct format *format, double magnitude)
{
    unsigned exponent_ones = (unsigned)(2 * format->greatest_exponent + 1);
    if (isnan(magnitude))
        return (uint16_t)((exponent_ones << format->mantissa_bits) + (1u << (format->mantissa_bits - 1)));
    if (isinf(magnitude))
        return (uint16_t)(exponent_ones << format->mantissa_bits);
    if (magnitude < format->least)
        return (uint16_t)ldexp(magnitude, format->mantissa_bits - format->least_exponent);
    int exponent = ilogb(magnitude);
    unsigned mantissa = (unsigned)ldexp(magnitude, format->mantissa_bits - exponent);
    unsigned biased = (unsigned)(exponent - format->least_exponent);
    return (uint16_t)((biased << format->mantissa_bits) + mantissa);
}

static double magnitude_of(const struct format *format, unsigned bits)
{
    int biased = (int)(bits >> format->mantissa_bits);
    double mantissa = (double)(bits & ((1u << format->mantissa_bits) - 1));
    if (biased == 2 * format->greatest_exponent + 1)
        return mantissa > 0 ? (double)NAN : HUGE_VAL;
    if (biased == 0)
        return ldexp(mantissa, format->least_exponent - format->mantissa_bits);
    double one = ldexp(1, format->mantissa_bits);
    return ldexp(one + mantissa, biased - 1 + format->least_exponent - format->mantissa_bits);
}

void encode_element(clbn_type type, double value, unsigned char *bytes)
{
    float single = (float)value;
    if (type == BYTES) {
        *bytes = (unsigned char)value;
    } else if (type == CLBN_FLOAT64) {
        memcpy(bytes, &value, sizeof value);
    } else if (type == CLBN_FLOAT32) {
        memcpy(bytes, &single, sizeof single);
    } else {
        unsigned sign = signbit(value) ? 0x8000u : 0;
        uint16_t bits = (uint16_t)(sign + magnitude_bits(&formats[type], fabs(rounded_to(type, value))));
        memcpy(bytes, &bits, sizeof bits);
    }
}

double decode_element(clbn_type type, const unsigned char *bytes)
{
    double value;
    float single;
    uint16_t bits;
    if (type == BYTES)
        return *bytes;
    if (type == CLBN_FLOAT64) {
        memcpy(&value, bytes, sizeof value);
        return value;
    }
    if (type == CLBN_FLOAT32) {
        memcpy(&single, bytes, sizeof single);
        return (double)single;
    }
    memcpy(&bits, bytes, sizeof bits);
    value = magnitude_of(&formats[type], bits & 0x7fffu);
    return (bits & 0x8000u) != 0 ? -value : value;
}
