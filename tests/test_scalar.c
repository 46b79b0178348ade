/* SPDX-License-Identifier: MIT */
/* The tool's numbers of 16 bits: what each one is, and how numbers between two of them are rounded. */
#include "io/scalar.h"
#include "suite_runner.h"

#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const clbn_type halves[] = { CLBN_FLOAT16, CLBN_BFLOAT16 };

enum { HALF_COUNT = sizeof(halves) / sizeof(halves[0]) };

static const uint16_t infinities[HALF_COUNT] = { 0x7c00, 0x7f80 };

static uint16_t bits_of(clbn_type type, double value)
{
    uint16_t bits = 0xaaaa;

    scalar_set(type, &bits, 0, value);
    return bits;
}

static double value_of(clbn_type type, uint16_t bits)
{
    return scalar_get(type, &bits, 0);
}

START_TEST(names_and_sizes)
{
    static const struct {
        clbn_type type;
        const char *name;
        size_t size;
        clbn_type parameters;
    } rows[] = { { CLBN_FLOAT32, "float32", 4, CLBN_FLOAT32 },
                 { CLBN_FLOAT64, "float64", 8, CLBN_FLOAT64 },
                 { CLBN_FLOAT16, "float16", 2, CLBN_FLOAT32 },
                 { CLBN_BFLOAT16, "bfloat16", 2, CLBN_FLOAT32 } };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_str_eq(scalar_type_names[rows[i].type], rows[i].name);
        ck_assert_uint_eq(scalar_size(rows[i].type), rows[i].size);
        ck_assert_uint_eq(scalar_parameter_type(rows[i].type), rows[i].parameters);
    }
    ck_assert_str_eq(scalar_type_names[SCALAR_UINT8], "uint8");
    ck_assert_uint_eq(scalar_size(SCALAR_UINT8), 1);
}
END_TEST

START_TEST(known_numbers)
{
    static const struct {
        clbn_type type;
        uint16_t bits;
        double value;
    } rows[] = {
        { CLBN_FLOAT16, 0x0000, 0.0 },         { CLBN_FLOAT16, 0x0001, 0x1p-24 },     { CLBN_FLOAT16, 0x03ff, 0x3ffp-24 },
        { CLBN_FLOAT16, 0x0400, 0x1p-14 },     { CLBN_FLOAT16, 0x3555, 0x1.554p-2 },  { CLBN_FLOAT16, 0x3c00, 1.0 },
        { CLBN_FLOAT16, 0x3c01, 1 + 0x1p-10 }, { CLBN_FLOAT16, 0xc000, -2.0 },        { CLBN_FLOAT16, 0x7bff, 65504.0 },
        { CLBN_BFLOAT16, 0x0001, 0x1p-133 },   { CLBN_BFLOAT16, 0x007f, 0x7fp-133 },  { CLBN_BFLOAT16, 0x0080, 0x1p-126 },
        { CLBN_BFLOAT16, 0x3f80, 1.0 },        { CLBN_BFLOAT16, 0x3f81, 1 + 0x1p-7 }, { CLBN_BFLOAT16, 0xc2f7, -123.5 },
        { CLBN_BFLOAT16, 0x4049, 3.140625 },   { CLBN_BFLOAT16, 0x7f7f, 0x1.fep127 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert(value_of(rows[i].type, rows[i].bits) == rows[i].value);
        ck_assert_uint_eq(bits_of(rows[i].type, rows[i].value), rows[i].bits);
    }
}
END_TEST

START_TEST(every_number_is_itself)
{
    for (size_t i = 0; i < HALF_COUNT; i++) {
        for (uint32_t bits = 0; bits <= 0xffff; bits++) {
            double value = value_of(halves[i], (uint16_t)bits);

            if ((bits & 0x7fff) > infinities[i])
                ck_assert(isnan(value));
            else
                ck_assert_uint_eq(bits_of(halves[i], value), bits);
        }
    }
}
END_TEST

START_TEST(a_bfloat16_is_half_a_float32)
{
    for (uint32_t bits = 0; bits <= 0x7f80; bits++) {
        uint32_t whole = bits << 16;
        float value;

        memcpy(&value, &whole, sizeof(value));
        ck_assert(value_of(CLBN_BFLOAT16, (uint16_t)bits) == (double)value);
    }
}
END_TEST

/* The middle of two neighbours goes to the even one, what is nearer to one to that. Infinity is the greatest number's
 * neighbour, as far away as the next number would be. */
START_TEST(rounds_to_the_nearest)
{
    for (size_t i = 0; i < HALF_COUNT; i++) {
        clbn_type type = halves[i];

        for (uint16_t low = 0; low < infinities[i]; low++) {
            uint16_t high = (uint16_t)(low + 1);
            uint16_t even = low % 2 == 0 ? low : high;
            double below = value_of(type, low);
            double step = high < infinities[i] ? value_of(type, high) - below : below - value_of(type, (uint16_t)(low - 1));
            double middle = below + 0.5 * step;

            ck_assert_uint_eq(bits_of(type, middle), even);
            ck_assert_uint_eq(bits_of(type, nextafter(middle, 0.0)), low);
            ck_assert_uint_eq(bits_of(type, nextafter(middle, HUGE_VAL)), high);
            ck_assert_uint_eq(bits_of(type, -middle), 0x8000 | even);
        }
    }
}
END_TEST

START_TEST(special_values)
{
    for (size_t i = 0; i < HALF_COUNT; i++) {
        ck_assert_uint_eq(bits_of(halves[i], -0.0), 0x8000);
        ck_assert_uint_eq(bits_of(halves[i], 0x1p-1074), 0);
        ck_assert_uint_eq(bits_of(halves[i], -0x1p-1022), 0x8000);
        ck_assert_uint_eq(bits_of(halves[i], 0x1p1023), infinities[i]);
        ck_assert_uint_eq(bits_of(halves[i], -HUGE_VAL), 0x8000 | infinities[i]);
        ck_assert(isinf(value_of(halves[i], infinities[i])));
        ck_assert_uint_gt(bits_of(halves[i], (double)NAN) & 0x7fff, infinities[i]);
    }
}
END_TEST

/* A float64 on its way to 16 bits must not be rounded to float32 first. */
START_TEST(rounds_once)
{
    ck_assert_uint_eq(bits_of(CLBN_FLOAT16, 1 + 0x1p-11 + 0x1p-40), 0x3c01);
    ck_assert_uint_eq(bits_of(CLBN_BFLOAT16, 1 + 0x1p-8 + 0x1p-40), 0x3f81);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scalar");
    TCase *all = tcase_create("all");

    tcase_add_test(all, names_and_sizes);
    tcase_add_test(all, known_numbers);
    tcase_add_test(all, every_number_is_itself);
    tcase_add_test(all, a_bfloat16_is_half_a_float32);
    tcase_add_test(all, rounds_to_the_nearest);
    tcase_add_test(all, special_values);
    tcase_add_test(all, rounds_once);
    suite_add_tcase(suite, all);
    return run_in_one_process(suite);
}
